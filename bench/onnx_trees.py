"""A LightGBM text model as ONNX, for ONNX Runtime as a baseline: numeric splits, NaN as 0 (missing type none). The few message fields it
takes are written here (onnx.proto of the ONNX project has the numbers), so that the onnx package is not needed."""
import struct

FLOAT, INT, STRING, FLOATS, INTS, STRINGS = 1, 2, 3, 6, 7, 8


def varint(n):
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def field(number, value):
    """A whole number, or text or bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def attribute(name, kind, value):
    body = field(1, name)
    if kind == INT:
        body += field(3, value)
    elif kind == STRING:
        body += field(4, value)
    elif kind == FLOATS:
        body += field(7, struct.pack(f"<{len(value)}f", *value))
    elif kind == INTS:
        body += field(8, b"".join(map(varint, value)))
    else:
        body += b"".join(field(9, word) for word in value)
    return field(5, body + field(20, kind))


def tensor(name, columns):
    shape = field(1, field(2, "n")) + field(1, field(1, columns))
    return field(1, name) + field(2, field(1, field(1, FLOAT) + field(2, shape)))


def trees(text):
    """The lists of each tree by name."""
    for block in text.split("\nTree=")[1:]:
        yield dict(line.split("=", 1) for line in block.split("\n\n")[0].splitlines() if "=" in line)


def nodes_of(text):
    """Columns of TreeEnsembleRegressor: splits, then leaves, of each tree."""
    tree, node, feature, value, mode, left, right, weight = ([] for _ in range(8))
    for number, lists in enumerate(trees(text)):
        splits = int(lists["num_leaves"]) - 1
        if int(lists["num_cat"]) or set(lists["decision_type"].split()) - {"0", "2"}:
            raise SystemExit("bench: the model has splits that onnx_trees.py does not write: categories or missing values")

        def place(child):
            return child if child >= 0 else splits + ~child
        tree += [number] * (2 * splits + 1)
        node += range(2 * splits + 1)
        feature += [*map(int, lists["split_feature"].split())] + [0] * (splits + 1)
        value += [*map(float, lists["threshold"].split())] + [0] * (splits + 1)
        mode += ["BRANCH_LEQ"] * splits + ["LEAF"] * (splits + 1)
        left += [place(int(child)) for child in lists["left_child"].split()] + [0] * (splits + 1)
        right += [place(int(child)) for child in lists["right_child"].split()] + [0] * (splits + 1)
        weight += [(number, splits + leaf, float(w)) for leaf, w in enumerate(lists["leaf_value"].split())]
    return tree, node, feature, value, mode, left, right, weight


def to_onnx(text, n_features):
    """Bytes of a model with the input rows [n, n_features] and the output scores [n, 1], floats both."""
    tree, node, feature, value, mode, left, right, weight = nodes_of(text)
    body = field(1, "rows") + field(2, "scores") + field(4, "TreeEnsembleRegressor") + field(7, "ai.onnx.ml")
    for name, kind, values in [("nodes_treeids", INTS, tree), ("nodes_nodeids", INTS, node), ("nodes_featureids", INTS, feature),
                               ("nodes_values", FLOATS, value), ("nodes_modes", STRINGS, mode), ("nodes_truenodeids", INTS, left),
                               ("nodes_falsenodeids", INTS, right), ("target_treeids", INTS, [t for t, _, _ in weight]),
                               ("target_nodeids", INTS, [n for _, n, _ in weight]), ("target_ids", INTS, [0] * len(weight)),
                               ("target_weights", FLOATS, [w for _, _, w in weight]), ("n_targets", INT, 1),
                               ("post_transform", STRING, "NONE")]:
        body += attribute(name, kind, values)
    graph = field(1, body) + field(2, "trees") + field(11, tensor("rows", n_features)) + field(12, tensor("scores", 1))
    opsets = field(8, field(1, "ai.onnx.ml") + field(2, 3)) + field(8, field(1, "") + field(2, 15))
    return field(1, 8) + opsets + field(7, graph)
