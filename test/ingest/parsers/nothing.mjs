export const parse = 'no function';
