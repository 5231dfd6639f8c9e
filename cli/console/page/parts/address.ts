/** What a URL of the page is about: a page, what it shows, and how. */
export interface Place {
  page: string;
  /** Behind the page's name, such as a table's or an object's. */
  subject: string | undefined;
  parameters: URLSearchParams;
}

/**
 * @param path with what stands behind its ?
 * @example parsePlace('/tables/dim_staff').subject // 'dim_staff'
 */
export function parsePlace(path: string): Place {
  const { pathname, searchParams } = new URL(path, 'http://console');
  const [page = '', ...rest] = pathname.slice(1).split('/');
  const subject = rest.map(decode).join('/');
  return {
    page: page === '' ? 'overview' : page,
    subject: subject === '' ? undefined : subject,
    parameters: searchParams,
  };
}

/** The inverse. Each part of a subject stays a part, so that an object's key can be read. */
export function formatPlace(
  page: string,
  subject?: string,
  parameters: Readonly<Record<string, string>> = {},
): string {
  const path = [page === 'overview' ? '' : page, ...(subject?.split('/').map(encodeURIComponent) ?? [])];
  const query = new URLSearchParams(parameters).toString();
  return `/${path.join('/')}${query === '' ? '' : `?${query}`}`;
}

/** A % that is no escape stands for itself. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
