import fc from 'fast-check';

// The property tests of CI have always the same inputs: a change fails only by what it changed. On a
// developer's machine they have new ones each time.
if (process.env['CI']) fc.configureGlobal({ seed: 20_261_122 });
