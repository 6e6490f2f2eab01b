import { type AwsStandIn, type AwsUser, startAws } from '../../support/aws/stand-in.ts';
import { type Built, buildImage } from '../../support/images.ts';
import { writeOciArchive } from './archives.ts';
import { type Workbench, workbench } from './workbench.ts';

/** The registry of the account and the region that tests use when they name none. */
export const ECR_HOST = '111222333444.dkr.ecr.us-east-1.amazonaws.com';

/** A {@link Workbench} whose finch takes the stand-in for AWS. */
export interface AwsBench extends Workbench {
  readonly aws: AwsStandIn;
  /** What a run needs in its environment to be somebody else. */
  as(user: AwsUser): Record<string, string>;
  /** Loads an image and gives it this name. */
  load(name: string, built?: Built): Promise<void>;
}

/**
 * A workbench beside the stand-in for AWS. Its runs are those of the user whom `as` says, or of nobody who
 * has keys.
 */
export async function awsBench(): Promise<AwsBench> {
  const aws = await startAws();
  const bench = await workbench(aws.environment());
  return {
    ...bench,
    aws,
    as: (user) => aws.environment(user),
    async load(name, built = buildImage()) {
      await writeOciArchive(bench.path('image.tar'), 'loaded:1', built);
      await bench.ok('load -q -i image.tar');
      await bench.ok(`tag loaded:1 ${name}`);
    },
    async [Symbol.asyncDispose]() {
      await bench[Symbol.asyncDispose]();
      await aws[Symbol.asyncDispose]();
    },
  };
}
