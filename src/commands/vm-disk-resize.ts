import { FinchError } from '../errors.ts';
import { quote } from '../text.ts';
import { changeSettings } from './change-settings.ts';
import { type Command, silence } from './command.ts';
import { machineDisk } from './vm-disk.ts';

/** `finch vm disk resize`. */
export const command: Command = {
  usage: '',
  arity: { min: 0, max: 0 },
  about:
    'Makes the disk on which images and containers are larger, and writes that into finch.yaml. The virtual machine must be stopped. A disk never gets smaller again.',
  flags: [{ name: 'size', value: 'SIZE', summary: 'how large it is to be, for example 100GiB' }],
  examples: [{ line: 'finch vm disk resize --size 100GiB', what: 'make room for images' }],
  async run(app, { text, signal }) {
    const { parseSize } = await import('../config/size.ts');
    const { configKey } = await import('../config/keys.ts');
    const size = text('size');
    const bytes = size === undefined ? undefined : parseSize(size);
    if (size === undefined || bytes === undefined || bytes === 0) {
      const message = size === undefined ? 'no size was given' : `invalid size: ${quote(size)}`;
      throw new FinchError('USAGE', message, { hint: 'write for example: --size 100GiB' });
    }
    const disk = await machineDisk(app);
    app.talk.note('Increasing disk size is irreversible without losing data.');
    app.talk.note(`Resizing disk to ${size}...`);
    // What finch.yaml says is true only after this.
    await disk.resize(bytes, { signal });
    app.talk.note('Disk resized successfully.');
    await changeSettings(app, [{ key: configKey('datadisk'), texts: [size] }]);
    app.talk.note('Configuration updated with new disk size.');
    return silence;
  },
};
