import { join } from 'node:path';
import { writeNetwork } from './network.ts';
import { cniFolder, enginePath } from './programs.ts';

/** What containerd, BuildKit and nerdctl of one engine are told, and where it all is. */
export interface EngineFiles {
  /** The socket of containerd. */
  readonly containerd: string;
  /** The socket of BuildKit. */
  readonly buildkit: string;
  readonly containerdToml: string;
  readonly buildkitToml: string;
  /** The name of the bridge between its containers. */
  readonly bridge: string;
  /** What nerdctl, and whoever runs nerdctl, has to have in its environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** Writes the files of an engine that keeps everything below `folder`. */
export async function writeEngineFiles(folder: string): Promise<EngineFiles> {
  const at = (name: string) => join(folder, name);
  const [containerd, buildkit] = [at('containerd.sock'), at('buildkitd.sock')];
  const files = {
    'containerd.toml': {
      top: { version: 2, root: at('root'), state: at('state'), disabled_plugins: UNUSED },
      grpc: { address: containerd },
      ttrpc: { address: `${containerd}.ttrpc` },
      'plugins."io.containerd.internal.v1.opt"': { path: at('opt') },
    },
    'buildkitd.toml': {
      top: { root: at('buildkit') },
      grpc: { address: [`unix://${buildkit}`] },
      cdi: { disabled: true },
      'worker.oci': { enabled: false },
      // As in Finch: what is built is at once an image of containerd.
      'worker.containerd': {
        ...{ enabled: true, address: containerd, namespace: NAMESPACE },
        ...{ snapshotter: 'overlayfs', networkMode: 'host' },
      },
    },
    'nerdctl.toml': {
      top: { address: `unix://${containerd}`, namespace: NAMESPACE, data_root: at('nerdctl') },
    },
  };
  const bridge = await writeNetwork(at('networks'));
  for (const [name, tables] of Object.entries(files)) await Bun.write(at(name), toml(tables));
  return {
    ...{ containerd, buildkit, bridge },
    containerdToml: at('containerd.toml'),
    buildkitToml: at('buildkitd.toml'),
    env: {
      PATH: enginePath,
      CONTAINERD_ADDRESS: containerd,
      CONTAINERD_NAMESPACE: NAMESPACE,
      BUILDKIT_HOST: `unix://${buildkit}`,
      NERDCTL_TOML: at('nerdctl.toml'),
      CNI_PATH: cniFolder,
      NETCONFPATH: at('networks'),
    },
  };
}

/** The namespace of containerd in which Finch keeps everything. */
const NAMESPACE = 'finch';

/** Parts of containerd that nobody here needs and that look around outside of its folders. */
const UNUSED = ['io.containerd.grpc.v1.cri', 'io.containerd.internal.v1.tracing'];

/** Tables of TOML with values that look the same in JSON; the table `top` has no heading. */
function toml(tables: Readonly<Record<string, Readonly<Record<string, unknown>>>>): string {
  return Object.entries(tables)
    .map(([name, values]) => {
      const lines = Object.entries(values).map(
        ([key, value]) => `${key} = ${JSON.stringify(value)}`,
      );
      return [...(name === 'top' ? [] : [`[${name}]`]), ...lines, ''].join('\n');
    })
    .join('\n');
}
