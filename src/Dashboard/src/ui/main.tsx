import type { ComponentChildren } from 'preact';
import { Label } from './label';
import type { Wired } from './labels';
import { Skip } from './skip';

interface Props {
  /** The feature whose style sheet draws it. */
  feature: string;
  /** Its heading. */
  title: Wired;
  aside?: ComponentChildren;
  /** It fills the window, and its parts scroll by themselves. */
  fills?: boolean;
  /** Its parts that a link leads to at once: the id of each, and what it is called. */
  parts?: Readonly<Record<string, string>>;
  children: ComponentChildren;
}

/** A place's landmark and heading. */
export function Main({ feature, title, aside, fills, parts = {}, children }: Props) {
  return (
    <main
      class={`place feature-${feature} ${fills === true ? 'fills' : ''}`}
      id="place"
      tabIndex={-1}
      aria-labelledby="place-title"
    >
      {Object.entries(parts).map(([id, name]) => (
        <Skip key={id} to={id}>
          {name}
        </Skip>
      ))}
      <header class="place-head">
        <h1 id="place-title">
          <Label text={title} />
        </h1>
        {aside}
      </header>
      {children}
    </main>
  );
}
