import type { Target } from '../target.ts';
import { grant, location, refusal, token } from './answer.ts';
import { archive } from './archive.ts';
import { awsAnswer, cacheEntry, ecrHost } from './aws.ts';
import { awsConfig } from './aws-config.ts';
import { commandLine, filter } from './command-line.ts';
import { config } from './config.ts';
import { decompress } from './decompress.ts';
import { digest } from './digest.ts';
import { document, json } from './document.ts';
import { finchYaml } from './finch-yaml.ts';
import { header } from './header.ts';
import { helperAnswer } from './helper.ts';
import { helperRequest } from './helper-request.ts';
import { hostsToml } from './hosts-toml.ts';
import { httpAnswer } from './http-answer.ts';
import { platform } from './platform.ts';
import { reference } from './reference.ts';
import { serverRequests } from './server.ts';
import { setupChange } from './setup.ts';
import { storeIndex } from './store-index.ts';
import { path, pax, tar, tarHeader } from './tar.ts';
import { template } from './template.ts';
import { jsonFault, server, shown } from './words.ts';

/** Every target; those that work with files come last, because they take what time is left. */
export const targets: readonly Target[] = [
  ...[reference, digest, platform, document, json],
  ...[tarHeader, pax, path, template],
  ...[
    header,
    httpAnswer,
    refusal,
    token,
    grant,
    location,
    shown,
    jsonFault,
    server,
    helperAnswer,
    helperRequest,
    hostsToml,
    finchYaml,
    awsConfig,
    ecrHost,
    cacheEntry,
    awsAnswer,
    setupChange,
  ],
  ...[decompress, tar, filter, commandLine, config, storeIndex, serverRequests, archive],
];
