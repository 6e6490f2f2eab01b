import type { GuestImage } from './build-image.ts';
import type { Programs } from './build-programs.ts';

/**
 * What Lima is told beside finch's document, and before it: this image, and these programs.
 * https://lima-vm.io/docs/config/#override-templates
 */
export function guestOverride(
  { disk, kernel, initrd }: GuestImage,
  { archive }: Programs,
): Readonly<Record<string, unknown>> {
  const arch = 'x86_64';
  const image = {
    ...{ location: disk, arch },
    kernel: { location: kernel, cmdline: 'root=/dev/vda ro console=ttyS0 quiet' },
    initrd: { location: initrd },
  };
  return {
    images: [image],
    // With the kernel given there is nothing to choose at boot, and this firmware asks less.
    firmware: { legacyBIOS: true },
    containerd: { system: true, user: false, archives: [{ location: archive, arch }] },
  };
}
