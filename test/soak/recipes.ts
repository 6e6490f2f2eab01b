import type { Digest } from '../../src/oci/digest.ts';
import { isImageConfigType } from '../../src/oci/media-types.ts';
import type { Platform } from '../../src/oci/platform.ts';
import { type Built, buildImage, buildIndex, json, layoutFiles } from '../support/images.ts';
import { tarFile } from '../support/tar.ts';
import type { Random } from './random.ts';

/** One image that can be put into an archive of any form under any name. */
export interface Recipe {
  readonly built: Built;
  /** The digests of its configurations, sorted: they tell an image, however its layers are compressed. */
  readonly configs: readonly Digest[];
  /** Its layers, uncompressed; undefined for an index, for which a docker-archive has no place. */
  readonly layers?: readonly Uint8Array[];
}

/** How an archive is written. */
export const FORMS = ['oci', 'oci.gz', 'oci.zst', 'docker', 'docker.gz'] as const;

/** One of {@link FORMS}. */
export type Form = (typeof FORMS)[number];

/** How many images {@link makeRecipes} makes, and how large their layers are. */
export interface RecipeOptions {
  readonly count: number;
  /** The size of the largest layer. */
  readonly layerBytes: number;
}

/**
 * Many images from few layers, so that most layers are in several images: two of three of one
 * platform, the others indexes of two.
 */
export function makeRecipes(
  random: Random,
  { count, layerBytes }: RecipeOptions,
): readonly Recipe[] {
  const shared = Array.from({ length: 6 }, (_, i) =>
    noiseLayer(random, `shared-${i}`, layerBytes >> i),
  );
  return Array.from({ length: count }, (_, i) => {
    const layersFor = (name: string) => [
      ...shared.filter(() => random.chance(0.4)),
      noiseLayer(random, name, 1 + random.below(layerBytes >> 3)),
    ];
    if (i % 3 < 2) {
      const layers = layersFor(`only-${i}`);
      return singleRecipe(layers, { recipe: `${i}` });
    }
    return indexRecipe(
      ['amd64', 'arm64'].map((architecture) => ({
        platform: { os: 'linux', architecture },
        layers: layersFor(`${architecture}-${i}`),
      })),
    );
  });
}

/** An image of one platform. */
export function singleRecipe(
  layers: readonly Uint8Array[],
  labels: Readonly<Record<string, string>>,
): Recipe {
  return { ...recipeOf(buildImage({ layers, labels: { ...labels } })), layers };
}

/** A layer with a file that half compresses. */
export function noiseLayer(random: Random, name: string, bytes: number): Uint8Array {
  const noise = random.bytes(bytes >> 1);
  return tarFile([{ name, bytes: Buffer.concat([noise, new Uint8Array(bytes - noise.length)]) }]);
}

function indexRecipe(
  images: readonly { readonly platform: Platform; readonly layers: readonly Uint8Array[] }[],
): Recipe {
  return recipeOf(
    buildIndex(images.map((image) => ({ platform: image.platform, image: buildImage(image) }))),
  );
}

function recipeOf(built: Built): Recipe {
  const configs = built.order.filter(({ mediaType }) => isImageConfigType(mediaType));
  return { built, configs: configs.map(({ digest }) => digest).toSorted() };
}

/** The forms in which an image can be written. */
export function formsOf(recipe: Recipe): readonly Form[] {
  return FORMS.filter((form) => recipe.layers !== undefined || !form.startsWith('docker'));
}

/** An archive with one image in it. */
export function archiveOf(recipe: Recipe, name: string, form: Form): Uint8Array<ArrayBuffer> {
  const tar = new Uint8Array(
    form.startsWith('docker') ? dockerArchive(recipe, name) : ociArchive(recipe, name),
  );
  if (form.endsWith('.gz')) return Bun.gzipSync(tar, { level: 1 });
  return form.endsWith('.zst') ? new Uint8Array(Bun.zstdCompressSync(tar, { level: 1 })) : tar;
}

function ociArchive({ built }: Recipe, name: string): Uint8Array {
  const files = layoutFiles(built, { 'org.opencontainers.image.ref.name': name });
  return tarFile([...files].map(([path, bytes]) => ({ name: path, bytes })));
}

function dockerArchive({ built, configs, layers = [] }: Recipe, name: string): Uint8Array {
  const [config] = configs;
  if (config === undefined) throw new Error(`${name} has no configuration`);
  const configFile = `${config.replace('sha256:', '')}.json`;
  const layerFiles = layers.map((_, i) => `layer-${i}.tar`);
  return tarFile([
    { name: configFile, bytes: built.blobs.get(config) ?? '' },
    ...layers.map((bytes, i) => ({ name: `layer-${i}.tar`, bytes })),
    {
      name: 'manifest.json',
      bytes: json([{ Config: configFile, RepoTags: [name], Layers: layerFiles }]),
    },
  ]);
}
