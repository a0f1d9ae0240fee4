/** Stands in place of something until it has been read. */
export const Reading = ({ tone = 'dim' }: { tone?: 'dim' | 'empty' }) => (
  <p class={tone} role="status">
    <span class="spinner" aria-hidden="true" /> reading …
  </p>
);
