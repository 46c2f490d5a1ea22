/** SVG by hand: elements as text, and the style that both kinds of pictures share. */
import { MARK_SHADES, PALETTE } from './palette.ts';

export const FONT = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif";

export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

export type Attributes = Readonly<Record<string, string | number>>;

export function element(name: string, attributes: Attributes, content = ''): string {
  const list = Object.entries(attributes)
    .map(
      ([attribute, value]) =>
        ` ${attribute}="${typeof value === 'number' ? short(value) : escapeXml(value)}"`,
    )
    .join('');
  return content === '' ? `<${name}${list}/>` : `<${name}${list}>${content}</${name}>`;
}

export function text(x: number, y: number, words: string, attributes: Attributes = {}): string {
  return element('text', { x, y, ...attributes }, escapeXml(words));
}

function short(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** Colours by class, so that a picture follows the reader's choice of light or dark by itself. */
export function pictureStyle(): string {
  const classes = (shade: 'light' | 'dark'): string =>
    [
      `.ground{fill:${shade === 'light' ? '#ffffff' : '#0d1117'}}`,
      `text{fill:${shade === 'light' ? '#1f2328' : '#e6edf3'}}`,
      `.dim{fill:${shade === 'light' ? '#59636e' : '#9198a1'}}`,
      `.grid{stroke:${shade === 'light' ? '#d1d9e0' : '#30363d'}}`,
      `.range{stroke:${shade === 'light' ? '#1f2328' : '#e6edf3'}}`,
      ...PALETTE.map((color, at) => `.c${at}{fill:${color[shade]}}.s${at}{stroke:${color[shade]};fill:none}`),
      ...Object.entries(MARK_SHADES).map(([kind, color]) => `.m-${kind}{fill:${color[shade]}}`),
    ].join('');
  return `<style>svg{${FONT};font-size:12px}${classes('light')}@media(prefers-color-scheme:dark){${classes('dark')}}</style>`;
}

export function picture(width: number, height: number, title: string, content: string): string {
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: 'img',
    'aria-label': title,
  };
  const ground = element('rect', { class: 'ground', width, height });
  return `${element('svg', attributes, pictureStyle() + ground + content)}\n`;
}
