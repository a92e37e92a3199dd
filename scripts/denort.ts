/**
 * Cuts a program that `deno compile` made back to the `denort` in it. Started by `scripts/denort`
 * with the two paths.
 *
 * `deno compile` appends its data to an ELF file, whose last part is the table of section headers:
 * what ends with that table is the runtime alone.
 */

const [program, denort] = Deno.args;
const bytes = await Deno.readFile(program!);
await Deno.writeFile(denort!, bytes.subarray(0, elfSize(bytes)), { mode: 0o755 });

/**
 * Bytes of an ELF file without what was appended to it (offsets of the header's fields: elf(5)).
 *
 * @throws {TypeError} for anything but a 64-bit little-endian ELF file that ends in its section
 *   headers
 */
function elfSize(bytes: Uint8Array): number {
  const header = new DataView(bytes.buffer, bytes.byteOffset, 64);
  const is64BitLittleEndian = header.getUint32(0) === 0x7f454c46 && header.getUint8(4) === 2 &&
    header.getUint8(5) === 1;
  if (!is64BitLittleEndian) {
    throw new TypeError(`"${program}" is not a 64-bit little-endian ELF file`);
  }
  const tableOffset = Number(header.getBigUint64(40, true));
  const entrySize = header.getUint16(58, true);
  const entries = header.getUint16(60, true);
  const size = tableOffset + entrySize * entries;
  if (entrySize !== 64 || entries === 0 || size > bytes.length) {
    throw new TypeError(`"${program}" has no section headers at its end`);
  }
  return size;
}
