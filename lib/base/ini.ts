/**
 * The keys of one section of an INI file as Python's configparser reads it (tox.ini, setup.cfg,
 * pytest.ini): `key = value` or `key: value`, indented lines continue a value, `#` and `;` start
 * comment lines. Null if the section is not there. Libraries for INI files on npm do not know
 * continuation lines, which pytest configurations are full of.
 */
export function iniSection(text: string, section: string): Map<string, string> | null {
  let inside = false;
  let found = false;
  let key: string | null = null;
  const values = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*[#;]/.test(line)) continue;
    const header = /^\[(.+)\]\s*$/.exec(line);
    if (header) {
      inside = header[1] === section;
      found ||= inside;
      key = null;
    } else if (inside && /^\s/.test(line)) {
      const more = line.trim();
      if (key !== null && more !== "") values.set(key, `${values.get(key)}\n${more}`.trim());
    } else if (inside) {
      const pair = /^([^=:]+?)\s*[=:]\s*(.*)$/.exec(line);
      key = pair ? pair[1]!.toLowerCase() : null;
      if (pair) values.set(key!, pair[2]!.trim());
    }
  }
  return found ? values : null;
}
