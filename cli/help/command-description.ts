/** One option of a command. Parsing, help and completion all come from here. */
export interface CommandOption {
  type: 'string' | 'boolean';
  /** What stands for its value in help. */
  value?: string;
  summary: string;
  /** What the command gets where the option is left out. */
  default?: string | boolean;
  /** What help says of a default that the command finds by itself. */
  defaultText?: string;
  /** The values there are, where they are few. */
  choices?: readonly string[];
  /** What else a shell can complete its value with. */
  names?: 'table' | 'folder';
}

/** One way of using a command. */
export interface CommandForm<Name extends string = string> {
  /** Words behind the command's name, such as `release`. */
  words?: readonly string[];
  /** One word of the user's own behind them, or more where its value says so; it may be left out. */
  operand?: { value: string; choices?: readonly string[]; names?: 'table' };
  required?: readonly Name[];
  options: readonly Name[];
}

export interface CommandDescription<Name extends string = string> {
  summary: string;
  /** Paragraphs that only the command's own help shows. */
  details?: readonly string[];
  options: Readonly<Record<Name, CommandOption>>;
  forms: readonly CommandForm<NoInfer<Name>>[];
  /** Commands as they are typed, each with what it does. */
  examples: readonly (readonly [command: string, what: string])[];
  /** What the exit codes mean, where the command has a meaning of its own. */
  exitCodes?: Readonly<Partial<Record<0 | 1 | 2, string>>>;
}

/** Keeps the names of a command's options, so that its forms can name no other. */
export const describe = <Name extends string>(
  description: CommandDescription<Name>,
): CommandDescription<Name> => description;
