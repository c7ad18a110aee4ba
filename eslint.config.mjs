import tseslint from 'typescript-eslint';

/** The dependency rule of ARCHITECTURE.md, as forbidden import paths per folder. */
const forbid = (files, ...patterns) => ({
  files,
  rules: {
    'no-restricted-imports': ['error', { patterns: patterns.map(([regex, message]) => ({ regex, message })) }],
  },
});
const node = ['^node:', 'machines/ runs in a browser too: take host ends as injected interfaces'];

export default tseslint.config(
  {
    ignores: ['**/dist/**', 'node_modules/**', 'core/common/**', 'core/*/*.ts', 'core/*/gen/**', 'core/*/host/gen/**'],
  },
  ...tseslint.configs.strict,
  ...tseslint.configs.stylistic,
  {
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-non-null-assertion': 'off', // noUncheckedIndexedAccess: `!` states what the code knows
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/unified-signatures': 'off',
      'no-fallthrough': 'error',
      eqeqeq: 'error',
    },
  },
  forbid(['core/*/host/**/*.ts'], ['machines/|frontends/', 'core imports nothing of the rest']),
  forbid(['machines/backplane/**/*.ts'], node, ['devices/|frontends/|core/', 'the backplane knows no device']),
  forbid(['machines/devices/**/*.ts'], node, [
    'frontends/|/(apple|be|next|acorn|android|bbc|virt|firmware)/',
    'a chip imports only the backplane and the bus protocols of its class',
  ]),
  forbid(['machines/{apple,be,next,acorn,android,bbc,virt,firmware,storage}/**/*.ts'], node, [
    'frontends/',
    'machines never import frontends',
  ]),
  forbid(['frontends/**/*.ts'], ['machines/devices/', 'frontends reach the machine through its session']),
  forbid(['frontends/sdl2-gles/**/*.ts'], ['^\\.\\./', 'sdl2-gles is of use on its own']),
  forbid(
    ['frontends/sdl/**/*.ts'],
    [
      'machines/(?!backplane/|firmware/font)|core/|frontends/|/(cli|web|linux-user)/',
      'the viewer knows the machine by SPICE only',
    ],
    ['/spice/(?!client|node-connection)', 'the client is what there is for viewers'],
  ),
);
