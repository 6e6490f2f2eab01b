/** How a document of Lima's begins that finch has made, and makes anew. */
export const DOCUMENT_HEAD =
  '# Made by finch from finch.yaml, and made anew when the machine starts.\n';
