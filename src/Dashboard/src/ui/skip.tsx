/** The first link of a place's part or of the page: it leads past what stands before <to>, an element's id. */
export function Skip({ to, children }: { to: string; children: string }) {
  return (
    <a
      class="skip"
      href={`#${to}`}
      onClick={(e) => {
        // The address stays as it is.
        e.preventDefault();
        const at = document.getElementById(to);
        const own =
          at?.matches('[tabindex]') === true ? at : at?.querySelector<HTMLElement>('textarea, input, a, button');
        own?.focus();
      }}
    >
      Skip to {children}
    </a>
  );
}
