import { describe, expect, test } from 'bun:test';
import { array, dictionary, jsonValue, property, string } from 'fast-check';
import { parseImageConfig } from '../../src/oci/image-config.ts';
import { json } from '../support/images.ts';
import { check, digests, expectOnlyFinchErrors, finchErrorOf, platforms } from './arbitraries.ts';

const platform = { os: 'linux', architecture: 'amd64' };

describe('parseImageConfig()', () => {
  test('reads the platform, the diff ids and the labels', () => {
    check(
      property(
        platforms,
        array(digests),
        dictionary(string(), string()),
        (has, diffIds, labels) => {
          const config = { ...has, config: { Labels: labels }, rootfs: { diff_ids: diffIds } };
          expect(parseImageConfig(json(config), 'x')).toEqual({ platform: has, diffIds, labels });
        },
      ),
    );
  });

  test('reads a Windows version', () => {
    const config = parseImageConfig(
      json({ ...platform, os: 'windows', 'os.version': '10.0' }),
      'x',
    );
    expect(config.platform.osVersion).toBe('10.0');
  });

  test.each([
    [{}],
    [{ config: null, rootfs: null }],
    [{ config: { Labels: null }, rootfs: { type: 'layers' } }],
    [{ config: [], rootfs: { diff_ids: null } }],
  ])('takes %j as no labels and no layers', (rest) => {
    expect(parseImageConfig(json({ ...platform, ...rest }), 'x')).toEqual({
      platform,
      diffIds: [],
      labels: {},
    });
  });

  test.each([
    ['no platform', {}],
    ['no architecture', { os: 'linux' }],
    ['an empty os', { os: '', architecture: 'amd64' }],
    ['a diff id that is no digest', { ...platform, rootfs: { diff_ids: ['x'] } }],
    ['diff ids that are no list', { ...platform, rootfs: { diff_ids: 'x' } }],
  ])('refuses %s', (_, config) => {
    const error = finchErrorOf(() => parseImageConfig(json(config), 'config sha256:1'));
    expect(error.code).toBe('DOCUMENT_INVALID');
    expect(error.message).toStartWith('config sha256:1 ');
  });

  test('throws nothing but FinchError', () => {
    check(
      property(jsonValue(), (rootfs) =>
        expectOnlyFinchErrors(() => parseImageConfig(json({ ...platform, rootfs }), 'x')),
      ),
    );
    check(
      property(jsonValue(), (config) =>
        expectOnlyFinchErrors(() => parseImageConfig(json(config), 'x')),
      ),
    );
  });
});
