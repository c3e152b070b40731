//! Walks through parsed expressions.

use std::ops::Range;

use minijinja::machinery::ast::{CallArg, Expr};

/// The expressions that `expr` is directly made of.
pub(super) fn children<'e, 's>(expr: &'e Expr<'s>) -> Vec<&'e Expr<'s>> {
    match expr {
        Expr::Var(_) | Expr::Const(_) => Vec::new(),
        Expr::Slice(slice) => [Some(&slice.expr)]
            .into_iter()
            .chain([&slice.start, &slice.stop, &slice.step].map(Option::as_ref))
            .flatten()
            .collect(),
        Expr::UnaryOp(op) => vec![&op.expr],
        Expr::BinOp(op) => vec![&op.left, &op.right],
        Expr::Compare(chain) => [&chain.expr]
            .into_iter()
            .chain(chain.ops.iter().map(|op| &op.expr))
            .collect(),
        Expr::IfExpr(choice) => [&choice.test_expr, &choice.true_expr]
            .into_iter()
            .chain(&choice.false_expr)
            .collect(),
        Expr::Filter(filter) => filter.expr.iter().chain(args(&filter.args)).collect(),
        Expr::Test(test) => [&test.expr].into_iter().chain(args(&test.args)).collect(),
        Expr::GetAttr(get) => vec![&get.expr],
        Expr::GetItem(get) => vec![&get.expr, &get.subscript_expr],
        Expr::Call(call) => [&call.expr].into_iter().chain(args(&call.args)).collect(),
        Expr::List(list) => list.items.iter().collect(),
        Expr::Tuple(tuple) => tuple.items.iter().collect(),
        Expr::Map(map) => map.keys.iter().chain(&map.values).collect(),
    }
}

/// Visits `expr` and everything in it, the outer before the inner.
pub(super) fn visit<'e, 's>(expr: &'e Expr<'s>, look: &mut dyn FnMut(&'e Expr<'s>)) {
    look(expr);
    for child in children(expr) {
        visit(child, look);
    }
}

/// The bytes of `expr` and everything in it; the parser's own range of a filter is its name.
pub(super) fn range(expr: &Expr<'_>) -> Range<usize> {
    let own = expr.span();
    let own = own.start_offset as usize..own.end_offset as usize;
    // The parser's range of a comparison starts at the token before it.
    let inner = children(expr).into_iter().map(range);
    match expr {
        Expr::BinOp(_) | Expr::Compare(_) => inner.reduce(cover).unwrap_or(own),
        _ => inner.fold(own, cover),
    }
}

fn cover(a: Range<usize>, b: Range<usize>) -> Range<usize> {
    a.start.min(b.start)..a.end.max(b.end)
}

fn args<'e, 's>(args: &'e [CallArg<'s>]) -> impl Iterator<Item = &'e Expr<'s>> {
    args.iter().map(|arg| match arg {
        CallArg::Pos(expr)
        | CallArg::Kwarg(_, expr)
        | CallArg::PosSplat(expr)
        | CallArg::KwargSplat(expr) => expr,
    })
}
