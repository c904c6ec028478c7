/** Prints "ok what" or "not ok what". */
export async function check(what: string, test: () => Promise<unknown>) {
  try {
    await test()
    console.log(`ok ${what}`)
  } catch (error) {
    process.exitCode = 1
    console.log(`not ok ${what}\n# ${String((error as Error)?.stack ?? error).replaceAll('\n', '\n# ')}`)
  }
}
