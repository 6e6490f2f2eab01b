import type { Guard, Row } from './row.ts';

const at = (test: Guard['test'], defence: Guard['defence'], also?: Guard['also']): Guard => ({
  ...{ test, defence },
  ...(also && { also }),
});

/** What AWS, programs and files around it say does harm, or has a secret in it. */
export const awsTexts: readonly Row[] = [
  {
    id: 'answers that are none of AWS',
    attack: 'whoever stands between answers without end, with a page, or with terminal sequences',
    guards: [
      at(
        ['aws/call/call.test.ts', 'reads no more of an answer than there can be'],
        ['aws/call/call.ts', 'const limit = call.limit ?? MAX_ANSWER_BYTES;', 'const limit = 1e9;'],
      ),
      at(
        ['aws/call/call.test.ts', 'shows no terminal sequence of an answer'],
        [
          'aws/call/error-answer.ts',
          'return { type, message: cleanText(message) };',
          'return { type, message };',
        ],
      ),
      at(
        ['e2e/ecr-doctor.test.ts', 'shows what files and programs say in one line each'],
        [
          'commands/ecr-doctor.ts',
          'const line = cleanText(what, { limit: MAX_LINE });',
          'const line = what;',
        ],
      ),
      at(
        ['aws/call/call.test.ts', 'does not take an answer with %s'],
        ['aws/ecr/password.ts', '[\\x20-\\x7e]+', '[^]+'],
      ),
      at(
        ['security/aws-keys.test.ts', 'are not read from %s'],
        [
          'aws/keys/metadata-keys.ts',
          "!/^https?:$/.test(URL.parse(endpoint)?.protocol ?? '')",
          '!URL.canParse(endpoint)',
        ],
      ),
      at(
        ['aws/call/error-answer.test.ts', 'never throws, and gives a type of plain letters'],
        [
          'aws/call/error-answer.ts',
          '/^(?:[^#]*#)?([A-Za-z][\\w.]{0,99})(?::|$)/',
          '/^(?:[^#]*#)?(.+?)(?::|$)/s',
        ],
      ),
      at(
        ['security/aws-keys.test.ts', 'whose name or settings hold terminal sequences'],
        [
          'aws/identity-errors.ts',
          "new FinchError('AWS_IDENTITY', printable(message), {",
          "new FinchError('AWS_IDENTITY', message, {",
        ],
      ),
    ],
  },
  {
    id: 'headers in keys',
    attack: 'a key or a session token holds a line end, and a header of its own behind it',
    guards: [
      at(
        ['aws/call/call.test.ts', 'is not made with a bad %s, whose value is not shown'],
        ['aws/call/usable-keys.ts', 'if (/^[!-~]+$/.test(value)) continue;', 'continue;'],
      ),
    ],
  },
  {
    id: 'secrets in what AWS and programs say',
    attack:
      'an error repeats the session token, a program writes keys to stderr, and the message or a file has them',
    guards: [
      at(
        ['security/aws-keys.test.ts', 'are not in what AWS says of a signature that is wrong'],
        ['aws/keys/static-keys.ts', '  hideSecret(sessionToken);', ''],
        ['aws/keys/open-identity.ts', '  hideEnvironmentKeys(env);', ''],
      ),
      at(
        [
          'security/aws-keys.test.ts',
          'are not quoted from a program that fails and writes them %s',
        ],
        ['http/redact.ts', '.replace(AWS_SECRET,', '.replace(/(?!)/g,'],
      ),
      at(
        [
          'security/aws-keys.test.ts',
          'are not quoted from a program that fails and writes them %s',
        ],
        ['http/redact.ts', '|secretaccesskey)', ')'],
      ),
      at(
        [
          'security/aws-keys.test.ts',
          'of the environment are hidden when those of a profile are used',
        ],
        ['aws/keys/open-identity.ts', '  hideEnvironmentKeys(env);', ''],
      ),
      at(
        [
          'aws/tokens/ecr-tokens.test.ts',
          'is hidden from all that is shown, wherever it comes from',
        ],
        ['aws/ecr/get-token.ts', "  hideSecret(secret, { user: 'AWS' });", ''],
        ['aws/tokens/ecr-tokens.ts', '  hideSecret(secret, { user: username });', ''],
      ),
      at(
        ['aws/tokens/ecr-state.test.ts', 'keeps no words of a failure'],
        [
          'aws/tokens/failure.ts',
          "new Bun.CryptoHasher('sha256').update(error.message).digest('hex')",
          'error.message',
        ],
      ),
      at(
        ['e2e/ecr-advice-identity.test.ts', 'asks where somebody can be'],
        ['app.ts', '{ ...options, secret: true }', '{ ...options, secret: false }'],
      ),
      at(
        ['e2e/canary-aws.test.ts', 'when %s'],
        ['aws/keys/static-keys.ts', '  hideSecret(keys.secretAccessKey);', ''],
        ['aws/keys/open-identity.ts', '  hideEnvironmentKeys(env);', ''],
      ),
      at(
        ['e2e/canary-aws.test.ts', 'to the virtual machine that is started anew after the setup'],
        ['vm/lima/run-limactl.ts', '...plainEnvironment(env)', '...env'],
      ),
    ],
  },
  {
    id: 'endless files of AWS and of Finch',
    attack: 'a configuration is a device, larger than any, or a bomb of aliases',
    guards: [
      at(
        [
          'aws/files/shared-config.test.ts',
          'says what is wrong with a file that is too large or no text',
        ],
        [
          'aws/files/shared-config.ts',
          'if (length > MAX_BYTES) break;',
          'if (length > MAX_BYTES) return buffer;',
        ],
      ),
      at(
        ['config/finch-yaml.test.ts', 'refuses %s'],
        [
          'config/text-file.ts',
          'if (bytes.length > MAX_TEXT_BYTES) throw',
          'if (bytes.length > MAX_TEXT_BYTES) void',
        ],
      ),
      at(
        ['config/finch-yaml.test.ts', 'is not led to write a text out for ever'],
        ['config/parse-yaml.ts', 'if (count > MAX_ALIASES) throw', 'if (count > MAX_ALIASES) void'],
      ),
    ],
  },
  {
    id: 'setup over the files of others',
    attack: 'finch ecr setup takes the place of a program, shows logins, or loses a link or a mode',
    guards: [
      at(
        [
          'setup/ecr-setup.test.ts',
          'installs this program as the helper, and leaves what is foreign',
        ],
        [
          'setup/install-helper.ts',
          "if (!isKnown(found, known)) return 'foreign';",
          "if (!isKnown(found, known)) return 'absent';",
        ],
      ),
      at(
        ['setup/install-helper.test.ts', 'is left when somebody has put another in its place'],
        ['setup/install-helper.ts', 'if (!isKnown(found, known)) return false;', ''],
      ),
      at(
        ['setup/ecr-setup.test.ts', 'shows nothing of finch.yaml that may be secret'],
        ['config/masked-yaml.ts', '[...values, ...notes(source)]', '[...values]'],
      ),
      at(
        ['setup/ecr-setup.test.ts', 'takes stale logins out, and shows only their names'],
        [
          'setup/config-files.ts',
          'return edits.length === 0 ? text : applyEdits(text, edits);',
          'return text;',
        ],
      ),
      at(
        ['setup/ecr-setup.test.ts', 'keeps the mode of files, and the links to them'],
        [
          'setup/change-files.ts',
          "{ mode: 0o600, keepsAccess: true, owner: 'login' }",
          "{ mode: 0o600, keepsAccess: false, owner: 'login' }",
        ],
      ),
      at(
        ['setup/install-helper.test.ts', 'is copied to where no link of another leads'],
        ['setup/install-helper.ts', 'await rm(copy, { force: true });', ''],
        [
          'setup/install-helper.ts',
          'copyFile(program, copy, constants.COPYFILE_EXCL)',
          'copyFile(program, copy)',
        ],
      ),
      at(
        ['vm/lima/lima-machine.test.ts', 'gives Lima no secret of the user'],
        ['vm/lima/run-limactl.ts', '...plainEnvironment(env)', '...env'],
      ),
    ],
  },
];
