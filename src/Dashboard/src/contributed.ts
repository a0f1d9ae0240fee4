/** Every file of the folders of contributions. Vite puts these imports before a file's others, so it has its own. */
export const contributed = {
  places: import.meta.glob('./places/*.ts', { eager: true }),
  tabs: import.meta.glob('./tabs/*.ts', { eager: true }),
  waiting: import.meta.glob('./waiting/*.ts', { eager: true }),
};
