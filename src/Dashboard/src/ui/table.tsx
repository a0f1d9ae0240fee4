import type { ComponentChildren } from 'preact';

interface Props {
  label: string;
  /** The heads of the table's columns. */
  columns: ComponentChildren;
  /** The table's body. */
  children: ComponentChildren;
}

/** A table that may be wider than the page: it alone is scrolled sideways, by the keyboard too. */
export function Table({ label, columns, children }: Props) {
  return (
    <div class="wide-table" tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>{columns}</tr>
        </thead>
        {children}
      </table>
    </div>
  );
}

/** Column heads, of columns of words and of figures. */
export function Columns({ words, figures }: { words: readonly string[]; figures: readonly string[] }) {
  return (
    <>
      {words.map((title) => (
        <th key={title} scope="col">
          {title}
        </th>
      ))}
      {figures.map((title) => (
        <th key={title} scope="col" class="n">
          {title}
        </th>
      ))}
    </>
  );
}
