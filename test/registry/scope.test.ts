import { expect, test } from 'bun:test';
import { mergeScopes, repositoryScope } from '../../src/registry/scope.ts';

test('repositoryScope() asks for pull along with push', () => {
  expect(repositoryScope('a/b', 'pull')).toBe('repository:a/b:pull');
  expect(repositoryScope('a/b', 'push')).toBe('repository:a/b:pull,push');
});

test('mergeScopes() joins the actions of one resource and keeps the first list first', () => {
  expect(
    mergeScopes(['repository:a:pull,push'], ['registry:catalog:*', 'repository:a:pull', '']),
  ).toEqual(['repository:a:pull,push', 'registry:catalog:*']);
  expect(mergeScopes(['repository:h:5/a:pull'], ['repository:h:5/a:delete'])).toEqual([
    'repository:h:5/a:pull,delete',
  ]);
  expect(mergeScopes([], ['aws', 'repository(plugin):a:pull'])).toEqual([
    'aws',
    'repository(plugin):a:pull',
  ]);
});

test('mergeScopes() leaves out what names nothing', () => {
  expect(mergeScopes([':', ''], ['aws', ':,'])).toEqual(['aws']);
  expect(mergeScopes([':'], [])).toEqual([]);
});
