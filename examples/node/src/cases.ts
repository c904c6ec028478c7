/** What the scenario asks of each client. */
export interface Item { id: string, title: string, createdAt: string }

export interface Cases {
  /** The newest records, or those after the last one of the page before. */
  newest(count: number, after?: Item): Promise<Item[]>
  create(title: string, content: string, tags: string[]): Promise<string>
  tagsOf(recordId: string): Promise<string[]>
  recordsOf(tag: string): Promise<string[]>
  tasksOf(title: string): Promise<string[]>
  /** The id of the tag with this name, which is made if there is none. */
  ensureTag(name: string): Promise<string>
  search(words: string): Promise<{ title: string, snippet: string }[]>
}

export interface Client {
  name: string
  asUser<T>(userId: string, tenant: string, work: (cases: Cases) => Promise<T>): Promise<T>
  /** Wrong: reads without saying who it is. */
  anonymous(): Promise<unknown>
  /** Wrong: leaves an identity of the session in the connection. */
  forgetful(userId: string, tenant: string): Promise<unknown>
}
