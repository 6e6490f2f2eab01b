import { describe, expect, test } from 'bun:test';
import { setImmediate } from 'node:timers/promises';
import { FIRST, UploadSlots } from '../../src/copy/upload-slots.ts';

const MIB = 1024 * 1024;

/** Uploads that wait until the test ends them. */
class Uploads {
  readonly #slots: UploadSlots;
  readonly #running: { readonly name: string; readonly end: () => void }[] = [];

  constructor(slots: UploadSlots) {
    this.#slots = slots;
  }

  async add(name: string, size = 2 * MIB): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    void this.#slots.run(
      () => {
        this.#running.push({ name, end: resolve });
        return promise;
      },
      { size },
    );
    await setImmediate();
  }

  async addMany(count: number, size = 2 * MIB): Promise<void> {
    for (let i = 0; i < count; i++) await this.add(`${i}`, size);
  }

  /** Ends the one that runs longest, or all that run. */
  async end(count = 1): Promise<void> {
    for (const { end } of this.#running.splice(0, count)) end();
    await setImmediate();
  }

  running(): readonly string[] {
    return this.#running.map(({ name }) => name);
  }
}

describe('UploadSlots', () => {
  test('begins with four large uploads, and takes one more for each that ended, up to eight', async () => {
    const slots = new UploadSlots();
    const uploads = new Uploads(slots);
    await uploads.addMany(40);
    const counts = [uploads.running().length];
    for (let i = 0; i < 6; i++) {
      await uploads.end();
      counts.push(uploads.running().length);
    }
    expect(counts).toEqual([4, 5, 6, 7, 8, 8, 8]);
  });

  test('takes two small uploads in the place of a large one', async () => {
    const uploads = new Uploads(new UploadSlots());
    await uploads.addMany(40, MIB);
    expect(uploads.running().length).toBe(8);
    await uploads.end(8);
    expect(uploads.running().length).toBe(16);
  });

  test('runs as many at once as the user said from the first on, whatever their size', async () => {
    for (const size of [100, 2 * MIB]) {
      const uploads = new Uploads(new UploadSlots({ max: 3 }));
      await uploads.addMany(20, size);
      expect(uploads.running().length).toBe(3);
      await uploads.end(3);
      expect(uploads.running().length).toBe(3);
    }
  });

  test('halves them when the registry asks for less, once for many answers of one moment', async () => {
    const slots = new UploadSlots({ max: 8 });
    const uploads = new Uploads(slots);
    await uploads.addMany(40);
    for (let i = 0; i < 8; i++) slots.throttled();
    expect(slots.count).toBe(4);
    await uploads.end(5);
    expect(uploads.running().length).toBe(5);
    slots.throttled();
    expect(slots.count).toBe(2);
  });

  test('never comes to less than one, and goes on', async () => {
    const slots = new UploadSlots({ max: 2 });
    const uploads = new Uploads(slots);
    await uploads.addMany(9);
    for (let i = 0; i < 5; i++) {
      slots.throttled();
      await uploads.end();
    }
    expect(slots.count).toBeGreaterThanOrEqual(1);
    expect(uploads.running().length).toBeGreaterThanOrEqual(1);
  });

  test('after that takes one more only for as many good ends as small ones run at once', async () => {
    const slots = new UploadSlots();
    const uploads = new Uploads(slots);
    await uploads.addMany(60);
    await uploads.end(4);
    expect(slots.count).toBe(8);
    slots.throttled();
    const counts: number[] = [];
    for (let i = 0; i < 18; i++) {
      await uploads.end();
      counts.push(slots.count);
    }
    expect([counts[6], counts[7], counts[16], counts[17]]).toEqual([4, 5, 5, 6]);
  });

  test('does not count one that failed', async () => {
    const slots = new UploadSlots();
    const broken = slots.run(() => Promise.reject(new Error('broke')), { size: 1 });
    await expect(broken).rejects.toThrow('broke');
    expect(slots.count).toBe(4);
  });

  test('starts documents first, then the largest, and no small one past a large one that waits', async () => {
    const slots = new UploadSlots({ max: 1 });
    const uploads = new Uploads(slots);
    await uploads.add('running');
    await uploads.add('small', 10);
    await uploads.add('large', 3 * MIB);
    await uploads.add('document', FIRST);
    const order: (readonly string[])[] = [];
    for (let i = 0; i < 4; i++) {
      order.push(uploads.running());
      await uploads.end();
    }
    expect(order.flat()).toEqual(['running', 'document', 'large', 'small']);
  });

  test('leaves half a place free rather than let small ones keep a large one waiting', async () => {
    const uploads = new Uploads(new UploadSlots());
    await uploads.addMany(7, 100);
    await uploads.add('large');
    await uploads.add('later', 100);
    expect(uploads.running().length).toBe(7);
    await uploads.end();
    expect(uploads.running()).toContain('large');
  });
});
