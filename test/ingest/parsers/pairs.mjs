// A line `key=value`; `key!` throws, `key?` gives what is no entry, and an empty line gives nothing.
export function parse(line) {
  const text = Buffer.from(line).toString();
  if (text === '') return [];
  if (text.endsWith('!')) throw new Error(`no value for ${text.slice(0, -1)}`);
  if (text.endsWith('?')) return [text];
  const at = text.indexOf('=');
  return [[text.slice(0, at), text.slice(at + 1)]];
}
