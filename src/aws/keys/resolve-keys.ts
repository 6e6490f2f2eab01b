import type { AwsKeys } from '../identity.ts';
import type { KeyContext } from './key-context.ts';
import type { KeySource } from './key-source.ts';

/**
 * Gets the keys from where they come from. Code is loaded when it is needed: that of the AWS SDK takes as long as the rest of a
 * command.
 * @throws FinchError `AWS_IDENTITY`, `NETWORK`, `CANCELLED`
 */
export async function resolveKeys(source: KeySource, context: KeyContext): Promise<AwsKeys> {
  const { surroundings, signal } = context;
  switch (source.kind) {
    case 'static':
      return source.keys;
    case 'process': {
      const { processKeys } = await import('./process-keys.ts');
      return processKeys(source, { env: surroundings.env, signal });
    }
    case 'container': {
      const { containerKeys } = await import('./container-keys.ts');
      return containerKeys(context);
    }
    case 'metadata': {
      const { metadataKeys } = await import('./metadata-keys.ts');
      return metadataKeys(source, context);
    }
    case 'role': {
      const keys = await resolveKeys(source.source, context);
      const { roleKeys } = await import('./sdk-keys.ts');
      return roleKeys(source, { ...context, keys });
    }
    case 'web-identity': {
      const { webIdentityKeys } = await import('./sdk-keys.ts');
      return webIdentityKeys(source, context);
    }
    case 'sso': {
      const { ssoKeys } = await import('./sdk-keys.ts');
      return ssoKeys(source, context);
    }
    case 'login': {
      const { loginKeys } = await import('./sdk-keys.ts');
      return loginKeys(source, context);
    }
  }
}
