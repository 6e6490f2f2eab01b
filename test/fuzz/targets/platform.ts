import {
  formatPlatform,
  formatPlatformAll,
  matchesPlatform,
  normalizePlatform,
  parsePlatform,
} from '../../../src/oci/platform.ts';
import { promise, promiseSame, promiseShowable } from '../promises.ts';
import { textTarget } from '../target.ts';

/** The values of `--platform`. */
export const platform = textTarget({
  name: 'platform',
  share: 40,
  maxBytes: 2048,
  words: [
    'linux',
    'windows',
    'amd64',
    'arm',
    'arm64',
    'v7',
    'v8',
    '/',
    ':',
    '(10.0.17763)',
    'x86_64',
  ],
  seeds: [
    ...['linux/amd64', 'linux/arm/v7', 'arm64', 'linux/arm64/v8', 'windows(10.0.17763.5)/amd64'],
    ...['windows/amd64:10.0', 'macos/aarch64', 'linux/armhf', 'linux/arm/7', 'freebsd/i686'],
  ],
  run(text) {
    const selector = parsePlatform(text);
    const whole = normalizePlatform(selector);
    promiseSame(normalizePlatform(whole), whole, 'a normal platform changes once more');
    promise(matchesPlatform(selector, whole), 'a platform does not select itself');
    promiseShowable(formatPlatform(selector), 'the platform');
    const again = parsePlatform(formatPlatformAll(selector));
    promiseSame(normalizePlatform(again), whole, 'what is printed means something else');
  },
});
