throw new SyntaxError('this module cannot be imported');

export {};
