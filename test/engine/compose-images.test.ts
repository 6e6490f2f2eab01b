import { expect, test } from 'bun:test';
import { composeImages } from '../../src/engine/compose-images.ts';

test('composeImages() finds what services are made of, and of what they are built', () => {
  const config = `name: p
services:
  db:
    image: db:1
  web:
    build: {context: /src/web, dockerfile: Other, args: {BASE: st:1, NONE: null}}
    image: web:2
  odd: text
`;
  expect(composeImages(config)).toEqual({
    names: ['db:1', 'web:2'],
    builds: [{ dockerfile: '/src/web/Other', args: new Map([['BASE', 'st:1']]) }],
  });
  for (const other of ['', 'services: []', 'services: {a: {build: .}}', '- x']) {
    expect(composeImages(other)).toEqual({ names: [], builds: [] });
  }
});
