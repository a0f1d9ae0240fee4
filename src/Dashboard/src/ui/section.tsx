import type { ComponentChildren } from 'preact';
import { Label } from './label';
import type { Wired } from './labels';

interface Props {
  id: string;
  /** The feature whose style sheet draws it. */
  feature: string;
  /** The label as it is drawn. */
  title: Wired;
  /** The section's plain name, for screen readers. */
  plain: string;
  aside?: ComponentChildren;
  children: ComponentChildren;
}

export function Section({ id, feature, title, plain, aside, children }: Props) {
  return (
    <section id={id} class={`section feature-${feature}`} aria-labelledby={`${id}-title`}>
      <header class="section-head">
        <h2 id={`${id}-title`} aria-label={plain}>
          <span class="glyph" aria-hidden="true">
            ◆
          </span>{' '}
          <Label text={title} />{' '}
          <span class="glyph" aria-hidden="true">
            ◆
          </span>
        </h2>
        <span class="divider" />
        {aside}
      </header>
      {children}
    </section>
  );
}
