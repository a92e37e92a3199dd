import { RealHost } from "../lib/system/real_host.ts";
import type { ProgramNotice } from "../lib/system/host.ts";
import type { EnvironmentName } from "../lib/tables/environment.ts";

/** The real host in a given directory, with environment variables of the test. */
export class HostAt extends RealHost {
  /** All started programs. */
  readonly notices: ProgramNotice[] = [];
  constructor(
    readonly directory: string,
    readonly variables: Partial<Record<EnvironmentName, string>> = {},
  ) {
    super();
    this.programs.onProgram = (notice) => void this.notices.push(notice);
  }

  override get cwd(): string {
    return this.directory;
  }

  override env(name: EnvironmentName): string | undefined {
    return this.variables[name];
  }
}
