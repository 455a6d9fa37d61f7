// For the negative controls: the engine's processes load changed text of some files. The product has no switch.
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

export interface Replacement {
  /** From the project's root. */
  file: string;
  /** The text that goes, which must stand in the file exactly once. */
  from: string;
  to: string;
}

/**
 * Makes every module that this process loads from now on the changed one. Throws when a file or a text is not
 * there any more: a control that changes nothing would prove nothing.
 */
export function replaceSource(replacements: readonly Replacement[]): void {
  const changed = new Map<string, string>();
  for (const { file, from, to } of replacements) {
    const url = new URL(`../../../${file}`, import.meta.url);
    const text = changed.get(url.href) ?? readFileSync(fileURLToPath(url), 'utf8');
    const places = text.split(from).length - 1;
    if (places !== 1) throw new Error(`the text to replace stands ${places} times in ${file}: ${from}`);
    changed.set(
      url.href,
      text.replace(from, () => to),
    );
  }
  registerHooks({
    load: (url, context, nextLoad) => {
      const source = changed.get(url);
      return source === undefined ? nextLoad(url, context) : { ...nextLoad(url, context), source };
    },
  });
}
