"""CEL, the language of `x-kubernetes-validations`, on Google's own implementation (cel-expr-python, over cel-cpp).

Chosen over `common-expression-language` (no type check, no budget, 30 MB with its command line tool) and `cel-python`
(pure Python, 18 MB, backtracking expressions): it checks types when a rule is compiled, bounds the iterations of an
evaluation (10 000) and the depth of an expression (32), matches regular expressions with RE2, and takes 11 MB. Nothing
imports it before a schema has rules. What it lacks of Kubernetes' functions is in this package, save `format`: its
`validate` returns an optional, which the library takes from no function. A rule with it does not compile.
"""
