import { expect, test } from 'bun:test';
import { dependsOnFolder } from '../../src/engine/file-words.ts';

function linesThat(depend: boolean, lines: readonly string[]): readonly string[] {
  return lines.filter((line) => dependsOnFolder(line.split(' ')) === depend);
}

test('a build, a project and a copy depend on the folder only by a path that is relative', () => {
  const elsewhere = [
    'build -t x /abs',
    'image build -f /abs/Dockerfile --no-cache /abs',
    'build https://github.com/a/b.git',
    'build git@github.com:a/b.git',
    'build -f - -o type=local,dest=/out --secret id=a,src=/key --ssh default /abs',
    'build --build-context a=docker-image://st:1 --build-context b=/b -o - -',
    'build --ssh a=/key --secret id=a,env=A --cache-to type=registry,ref=x/y --iidfile=/i /abs',
    'compose -f /x/y.yaml up',
    'compose --project-directory /x -f /x/y.yaml --env-file=/e run -v /a:/a web',
    'compose --file=/x/y.yaml logs -f web',
    'cp /abs web:/x',
  ];
  expect(linesThat(true, elsewhere)).toEqual([]);
  const here = [
    'build -t x',
    'build -t x .',
    'build -f Dockerfile /abs',
    'build --secret id=a,src=key /abs',
    'build --secret id=key /abs',
    'build --secret "Src=key",id=a /abs',
    'build -o out /abs',
    'build -o type=local,dest=out /abs',
    'build --iidfile id /abs',
    'build --build-context a=b /abs',
    'build --build-context a=oci-layout://b /abs',
    'build --ssh default=key /abs',
    'build --ssh default=/key,other /abs',
    'build --cache-from type=local,src=c /abs',
    'compose up',
    'compose -f y.yaml up',
    'compose -f /x/y.yaml -f z.yaml up',
    'compose -f - up',
    'compose --env-file /e up',
    'compose -f /x/y.yaml --env-file e up',
    'compose -f /x/y.yaml run -v ./a:/a web',
    'compose -f /x/y.yaml cp a web:/a',
    'cp ./a:b /x',
  ];
  expect(linesThat(false, here)).toEqual([]);
});
