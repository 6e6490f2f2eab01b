import { describe, expect, test } from 'bun:test';
import { parseArguments } from '../../src/cli/arguments.ts';
import { commandHelp, groupHelp } from '../../src/cli/help.ts';
import { type CommandEntry, commands } from '../../src/commands/index.ts';

const entries: readonly (readonly [string, CommandEntry])[] = commands.map((entry) => [
  entry.paths[0],
  entry,
]);

describe('groupHelp()', () => {
  test('of finch', () => {
    expect(groupHelp()).toMatchInlineSnapshot(`
      "finch: open-source container development tool

      Usage:
        finch COMMAND

      Commands:
        login                     Log in to a registry
        logout                    Log out from a registry
        images                    List images
        load                      Load images from an archive
        save                      Save images to an archive
        tag                       Give an image one more name
        push                      Push an image to a registry
        pull                      Pull an image from a registry
        rmi                       Remove images
        store verify              Check that nothing in the store is damaged
        store repair              Make a damaged store usable again
        registry serve            Serve the local images as a registry
        ecr setup                 Set up Amazon ECR so that it needs no login
        ecr unset                 Take back what ecr setup wrote
        ecr login-password        Write a password for Amazon ECR
        ecr whoami                Say who you are at AWS
        ecr create-repo           Make a repository at Amazon ECR
        ecr doctor                Find out why Amazon ECR does not work
        vm init                   Make the virtual machine and start it
        vm start                  Start the virtual machine
        vm stop                   Stop the virtual machine
        vm remove                 Remove the virtual machine
        vm status                 Say whether the virtual machine runs
        vm settings               Change what the virtual machine gets of this one
        vm disk info              Show the disk of the virtual machine
        vm disk resize            Make the disk of the virtual machine larger
        config list               List the settings of finch.yaml
        config get                Show one setting
        config set                Change one setting
        config path               Say where finch.yaml is
        support-bundle generate   Collect logs and settings for a report of a problem
        credential get            Give a login to another program
        credential store          Keep a login for another program
        credential erase          Forget a login for another program
        credential list           List the logins for another program
        info                      Show where containers run and where images are
        system prune              Remove what nobody uses
        completion                Have the shell complete the words of commands
        version                   Show the version
        image …                   The same commands in their long form

      By nerdctl, in the machine:
        build         Build an image, which is among the images of finch at once
        run           Run a command in a new container
        exec          Run a command in a container that runs
        ps            List containers
        logs          Show what a container wrote
        create        Make a container without starting it
        start         Start containers
        stop          Stop containers
        restart       Stop containers and start them
        kill          Send a signal to containers
        pause         Halt all processes of containers
        unpause       Let them go on
        wait          Wait until containers have ended, and show their exit status
        rm            Remove containers
        rename        Give a container another name
        update        Change the limits of containers
        attach        Take part in what a container reads and writes
        cp            Copy files into a container or out of it
        diff          Show which files of a container have changed
        commit        Make an image of a container
        export        Write a container's files to a tar archive
        import        Make an image of a tar archive of files
        port          Show the ports of a container
        top           Show the processes of a container
        stats         Show what containers use, as they run
        healthcheck   Run the health check of a container
        inspect       Show all that is known of containers or images
        history       Show how an image was made
        events        Show what happens, as it happens
        compose       Run what a compose file describes
        container     Work with containers
        network       Work with networks
        volume        Work with volumes
        builder       Work with builds and their cache
        manifest      Work with manifests
        namespace     Work with namespaces of containerd
        checkpoint    Work with checkpoints of containers

      Flags:
        -h, --help      show this help
            --debug     tell of each request, and what lies behind an error
            --version   show the version

      Learn more about a command with: finch COMMAND --help
      "
    `);
  });

  test('of image', () => {
    expect(groupHelp('image')).toMatchInlineSnapshot(`
      "finch image

      Usage:
        finch image COMMAND

      Commands:
        list   List images
        load   Load images from an archive
        save   Save images to an archive
        tag    Give an image one more name
        push   Push an image to a registry
        pull   Pull an image from a registry
        rm     Remove images

      By nerdctl, in the machine:
        build     Build an image, which is among the images of finch at once
        history   Show how an image was made
        inspect   Show all that is known of images
        prune     Remove images of the engine that nobody uses
        convert   Make an image of another format
        encrypt   Encrypt the layers of an image
        decrypt   Decrypt the layers of an image
        import    Make an image of a tar archive of files

      Flags:
        -h, --help      show this help
            --debug     tell of each request, and what lies behind an error
            --version   show the version

      Learn more about a command with: finch image COMMAND --help
      "
    `);
  });

  test('of registry', () => {
    expect(groupHelp('registry')).toMatchInlineSnapshot(`
      "finch registry

      Usage:
        finch registry COMMAND

      Commands:
        serve   Serve the local images as a registry

      Flags:
        -h, --help      show this help
            --debug     tell of each request, and what lies behind an error
            --version   show the version

      Learn more about a command with: finch registry COMMAND --help
      "
    `);
  });

  test('shows every command once, by its shortest name', () => {
    const shown = commands.filter(({ isHidden }) => !isHidden);
    const listed = groupHelp()
      .split('\n')
      .filter((line) => shown.some(({ summary }) => line.endsWith(`   ${summary}`)))
      .map((line) => line.trim().split('   ')[0]?.trim());
    expect(listed).toEqual(shown.map(({ paths }) => paths[0]));
  });
});

describe('commandHelp()', () => {
  test('shows usage, other names, flags and examples', async () => {
    const entry = commands.find(({ paths }) => paths[0] === 'push');
    if (entry === undefined) throw new Error('no push');
    const { command } = await entry.load();
    expect(commandHelp('image push', entry, command)).toMatchInlineSnapshot(`
      "Push an image to a registry. Sends images to the registries that their names say. Without --platform all platforms that are here go along. What a push that was cut off has sent is not sent again by the next one

      Usage:
        finch image push [flags] NAME[:TAG] [NAME[:TAG]...]

      Also:
        finch push

      Flags:
            --platform OS/ARCH[/VARIANT]      only these platforms; with commas between them, or repeated
            --all-platforms                   every platform that the image has
        -a, --all-tags                        every tag of the repository that is here
        -q, --quiet                           no progress; print only the name
            --progress auto|plain|json|none   bars on a terminal and lines elsewhere, lines, one JSON object a line, or nothing
            --dry-run                         say what would be sent, and send nothing
            --verify                          check every digest at the registry afterwards
            --digest-file FILE                write the digest to a file when all is pushed
            --digestfile FILE                 the same, as podman calls it
            --receipt FILE                    write what happened as JSON, also when the push fails; - is stdout
            --limit-rate SPEED                bytes per second at most: 500K, 10M, 1G
            --max-concurrent-uploads N        uploads to a registry at once, 1 to 64
            --no-resume                       begin every upload anew, and keep none for a later push
            --create-repo                     at Amazon ECR, make the repository where it is missing
            --insecure-registry               accept an invalid certificate, or plain HTTP, from this registry
            --hosts-dir DIR                   folder of hosts.toml files and certificates by registry; may be repeated
        -h, --help                            show this help
            --debug                           tell of each request, and what lies behind an error

      Examples:
        # push what is here of an image
        finch push ghcr.io/me/app:1.0

        # push two platforms and an index of them
        finch push --platform linux/arm64,linux/amd64 ghcr.io/me/app:1.0

        # push several names; what they share goes to a registry once
        finch push ghcr.io/me/app:1.0 ghcr.io/me/app:latest quay.io/me/app:1.0

        # push all tags that are here
        finch push --all-tags ghcr.io/me/app

        # see what would be sent, and send nothing
        finch push --dry-run ghcr.io/me/app:1.0

        # check all of it at the registry, and write down what happened
        finch push --verify --receipt push.json --digest-file digest ghcr.io/me/app:1.0

        # push to a repository of Amazon ECR, and make it first if need be
        finch push --create-repo 111222333444.dkr.ecr.eu-west-1.amazonaws.com/app:1.0
      "
    `);
  });

  test.each(entries)('of %s names every flag and every other name', async (path, entry) => {
    const { command } = await entry.load();
    const help = commandHelp(path, entry, command);
    for (const { name, short, value } of command.flags) {
      const shown = `${short ? `-${short}, ` : '    '}--${name}${value ? ` ${value}` : ''} `;
      expect(help).toContain(`  ${shown}`);
    }
    expect(help).toContain('-h, --help ');
    for (const other of entry.paths.slice(1)) expect(help).toContain(`  finch ${other}\n`);
    expect(help).not.toMatch(/undefined|\n\n\n|[ \t]\n/);
    expect(help).toEndWith('\n');
  });

  test.each(entries)('of %s has examples, and each of them can be run', async (path, entry) => {
    const { command } = await entry.load();
    expect(command.examples.length).toBeGreaterThan(0);
    for (const { line, what } of command.examples) {
      expect(what).toMatch(/^[a-zA-Z].*[^.]$/);
      const words = shellWords(line.split(' | ').find((part) => part.startsWith('finch ')) ?? '');
      expect(words[0]).toBe('finch');
      const argv = words.slice(1 + path.split(' ').length);
      expect(words.slice(1, words.length - argv.length).join(' ')).toBe(path);
      const { signal } = new AbortController();
      expect(parseArguments(path, command, { argv, signal }).on('help')).toBe(false);
    }
  });
});

/** The words of a simple command line, quotes taken away. */
function shellWords(line: string): readonly string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}
