//! Parser for hints that are not in the Cairo library: a small subset of Python, as Cairo's tutorials use it to pass
//! input to a program. Anything else is unsupported.
//!
//! ```text
//! statement  = target, "=", { target, "=" }, value | "for", names, "in", value, ":", statements
//!            | "assert", value, ("==" | "!="), value, [",", value] | value
//! target     = name | "ids.", path | "memory[", value, "]"
//! value      = number | text | f-text | name | path | value[value] | function(values) | value.method(values) | [values]
//!            | [value for names in value] | {value: value for names in value} | value ("+" | "-" | "*") value
//! ```

/// Maximum nesting depth of values.
const MAX_DEPTH: usize = 24;

/// A statement of a hint.
#[derive(Debug, PartialEq)]
pub(super) enum Statement {
    /// Assigns the value to each of the targets.
    Assign(Vec<Expr>, Expr),
    /// A loop: its variables, its iterable, and its body.
    For(Vec<String>, Expr, Vec<Statement>),
    /// An assertion: two values, and whether they must be equal or different.
    Assert(Expr, Expr, bool),
    /// An expression statement: a call for its side effects.
    Do(Expr),
}

/// An expression: a value, or the target of an assignment.
#[derive(Debug, PartialEq)]
pub(super) enum Expr {
    Number(String),
    Text(String),
    /// An f-string: pieces whose texts are concatenated.
    Format(Vec<Expr>),
    Name(String),
    Member(Box<Expr>, String),
    Index(Box<Expr>, Box<Expr>),
    Call(String, Vec<Expr>),
    Method(Box<Expr>, String, Vec<Expr>),
    List(Vec<Expr>),
    ListOf(Box<Expr>, Box<Source>),
    DictOf(Box<Expr>, Box<Expr>, Box<Source>),
    Binary(char, Box<Expr>, Box<Expr>),
}

/// The `for names in value` of a loop or a comprehension.
#[derive(Debug, PartialEq)]
pub(super) struct Source {
    pub(super) names: Vec<String>,
    pub(super) value: Expr,
}

/// Parses a hint; `None` if it is not in this language.
pub(super) fn parse(code: &str) -> Option<Vec<Statement>> {
    let lines = lines(code)?;
    let mut rest = &lines[..];
    let statements = block(&mut rest, lines.first()?.indent, 0)?;
    rest.is_empty().then_some(statements)
}

/// Parses a block: the lines with the same indentation, and the loop bodies below them.
fn block(rest: &mut &[Line], indent: usize, depth: usize) -> Option<Vec<Statement>> {
    let mut statements = Vec::new();
    while let Some((line, after)) = rest.split_first().filter(|(line, _)| line.indent == indent) {
        *rest = after;
        let mut parser = Parser {
            tokens: &line.tokens,
            depth,
        };
        let statement = match parser.word("for") {
            true => {
                let source = parser.source()?;
                parser.expect(":")?;
                let body = match rest.first() {
                    _ if !parser.tokens.is_empty() => vec![parser.simple()?],
                    Some(next) if next.indent > indent && depth < MAX_DEPTH => {
                        block(rest, next.indent, depth + 1)?
                    }
                    _ => return None,
                };
                Statement::For(source.names, source.value, body)
            }
            false => parser.simple()?,
        };
        parser.tokens.is_empty().then_some(())?;
        statements.push(statement);
    }
    Some(statements)
}

struct Parser<'a> {
    tokens: &'a [Token],
    depth: usize,
}

impl Parser<'_> {
    fn next(&mut self) -> Option<&Token> {
        let (token, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(token)
    }

    fn take(&mut self, wanted: &Token) -> bool {
        let found = self.tokens.first() == Some(wanted);
        self.tokens = &self.tokens[usize::from(found)..];
        found
    }

    fn symbol(&mut self, symbol: &'static str) -> bool {
        self.take(&Token::Symbol(symbol))
    }

    fn word(&mut self, word: &str) -> bool {
        self.take(&Token::Word(word.to_owned()))
    }

    fn expect(&mut self, symbol: &'static str) -> Option<()> {
        self.symbol(symbol).then_some(())
    }

    fn name(&mut self) -> Option<String> {
        match self.next()? {
            Token::Word(word) if !KEYWORDS.contains(&&**word) => Some(word.clone()),
            _ => None,
        }
    }

    /// A statement on one line.
    fn simple(&mut self) -> Option<Statement> {
        if self.word("assert") {
            let left = self.value()?;
            let equal = self.symbol("==");
            if !equal {
                self.expect("!=")?;
            }
            let right = self.value()?;
            if self.symbol(",") {
                self.value()?;
            }
            return Some(Statement::Assert(left, right, equal));
        }
        let mut targets = Vec::new();
        let mut value = self.value()?;
        while self.symbol("=") {
            targets.push(std::mem::replace(&mut value, self.value()?));
        }
        Some(match targets.is_empty() {
            true => Statement::Do(value),
            false => Statement::Assign(targets, value),
        })
    }

    /// `names in value`, after `for`.
    fn source(&mut self) -> Option<Source> {
        let mut names = vec![self.name()?];
        while self.symbol(",") {
            names.push(self.name()?);
        }
        self.word("in").then_some(())?;
        let value = self.value()?;
        Some(Source { names, value })
    }

    fn value(&mut self) -> Option<Expr> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let mut value = self.product()?;
        while let Some(sign) = ["+", "-"].into_iter().find(|sign| self.symbol(sign)) {
            value = binary(sign, value, self.product()?);
        }
        self.depth -= 1;
        Some(value)
    }

    fn product(&mut self) -> Option<Expr> {
        let mut value = self.signed()?;
        while self.symbol("*") {
            value = binary("*", value, self.signed()?);
        }
        Some(value)
    }

    fn signed(&mut self) -> Option<Expr> {
        match self.symbol("-") {
            true => Some(binary("-", Expr::Number("0".to_owned()), self.parts()?)),
            false => self.parts(),
        }
    }

    /// An atom with its suffixes: members, indices, calls.
    fn parts(&mut self) -> Option<Expr> {
        let mut value = self.atom()?;
        loop {
            if self.symbol("[") {
                value = Expr::Index(Box::new(value), Box::new(self.value()?));
                self.expect("]")?;
            } else if self.symbol(".") {
                let name = self.name()?;
                value = match self.symbol("(") {
                    true => Expr::Method(Box::new(value), name, self.values(")")?),
                    false => Expr::Member(Box::new(value), name),
                };
            } else if self.symbol("(") {
                let Expr::Name(name) = value else { return None };
                value = Expr::Call(name, self.values(")")?);
            } else {
                return Some(value);
            }
        }
    }

    fn atom(&mut self) -> Option<Expr> {
        if self.symbol("(") {
            let value = self.value()?;
            return self.expect(")").map(|()| value);
        }
        if self.symbol("[") {
            return self.list();
        }
        if self.symbol("{") {
            let key = self.value()?;
            self.expect(":")?;
            let value = self.value()?;
            self.word("for").then_some(())?;
            let source = Box::new(self.source()?);
            self.expect("}")?;
            return Some(Expr::DictOf(Box::new(key), Box::new(value), source));
        }
        match self.tokens.first()? {
            Token::Word(_) => self.name().map(Expr::Name),
            Token::Digits(digits) => {
                self.tokens = &self.tokens[1..];
                Some(Expr::Number(digits.clone()))
            }
            Token::Text(text) => {
                self.tokens = &self.tokens[1..];
                Some(Expr::Text(text.clone()))
            }
            Token::Format(text) => {
                self.tokens = &self.tokens[1..];
                pieces(text, self.depth)
            }
            Token::Symbol(_) => None,
        }
    }

    /// A list or a list comprehension, after the opening bracket.
    fn list(&mut self) -> Option<Expr> {
        if self.symbol("]") {
            return Some(Expr::List(Vec::new()));
        }
        let first = self.value()?;
        if self.word("for") {
            let source = Box::new(self.source()?);
            self.expect("]")?;
            return Some(Expr::ListOf(Box::new(first), source));
        }
        let mut values = vec![first];
        if !self.symbol("]") {
            self.expect(",")?;
            values.extend(self.values("]")?);
        }
        Some(Expr::List(values))
    }

    /// Values separated by commas, and the closing symbol.
    fn values(&mut self, close: &'static str) -> Option<Vec<Expr>> {
        let mut values = Vec::new();
        while !self.symbol(close) {
            values.push(self.value()?);
            if !self.symbol(",") {
                self.expect(close)?;
                break;
            }
        }
        Some(values)
    }
}

fn binary(sign: &str, left: Expr, right: Expr) -> Expr {
    let sign = if sign == "*" {
        '*'
    } else if sign == "+" {
        '+'
    } else {
        '-'
    };
    Expr::Binary(sign, Box::new(left), Box::new(right))
}

/// The pieces of an f-string: texts, and values in braces.
fn pieces(text: &str, depth: usize) -> Option<Expr> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (value, after) = after.split_once('}')?;
        let lines = lines(value.trim())?;
        let [line] = &lines[..] else { return None };
        let mut parser = Parser {
            tokens: &line.tokens,
            depth,
        };
        pieces.extend([Expr::Text(before.to_owned()), parser.value()?]);
        parser.tokens.is_empty().then_some(())?;
        rest = after;
    }
    pieces.push(Expr::Text(rest.to_owned()));
    (!rest.contains('}')).then_some(Expr::Format(pieces))
}

#[derive(Debug, PartialEq)]
enum Token {
    Word(String),
    Digits(String),
    Text(String),
    Format(String),
    Symbol(&'static str),
}

/// A logical line: one line of text, or several joined by open brackets or trailing backslashes.
struct Line {
    indent: usize,
    tokens: Vec<Token>,
}

const KEYWORDS: &[&str] = &[
    "for", "in", "assert", "if", "else", "not", "and", "or", "lambda", "import", "from",
];

/// Longer ones first.
const SYMBOLS: &[&str] = &[
    "==", "!=", "=", "+", "-", "*", ".", ",", ":", "(", ")", "[", "]", "{", "}",
];

fn lines(code: &str) -> Option<Vec<Line>> {
    let mut lines: Vec<Line> = Vec::new();
    let mut rest = code;
    let (mut open, mut fresh) = (0_usize, true);
    loop {
        let start = rest.trim_start_matches(' ');
        let indent = rest.len() - start.len();
        rest = start;
        let Some(first) = rest.chars().next() else {
            return (open == 0).then_some(lines);
        };
        match first {
            '\n' | '\r' => {
                fresh |= open == 0;
                rest = &rest[1..];
                continue;
            }
            '#' => {
                rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
                continue;
            }
            '\\' => {
                rest = rest[1..].trim_start_matches('\r').strip_prefix('\n')?;
                continue;
            }
            _ => {}
        }
        let (token, after) = token(rest)?;
        rest = after;
        match token {
            Token::Symbol("(" | "[" | "{") => open += 1,
            Token::Symbol(")" | "]" | "}") => open = open.checked_sub(1)?,
            _ => {}
        }
        if std::mem::take(&mut fresh) {
            lines.push(Line {
                indent,
                tokens: Vec::new(),
            });
        }
        lines.last_mut()?.tokens.push(token);
    }
}

fn token(rest: &str) -> Option<(Token, &str)> {
    if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
        return Some((Token::Symbol(symbol), &rest[symbol.len()..]));
    }
    let (is_format, quoted) = match rest.strip_prefix('f') {
        Some(quoted) if quoted.starts_with(['\'', '"']) => (true, quoted),
        _ => (false, rest),
    };
    if let Some(quote) = quoted.chars().next().filter(|first| matches!(first, '\'' | '"')) {
        let (text, after) = quoted[1..].split_once(quote)?;
        // Escapes and multi-line strings are not in this language.
        let is_plain = !text.contains(['\\', '\n']);
        let text = text.to_owned();
        let token = if is_format {
            Token::Format(text)
        } else {
            Token::Text(text)
        };
        return is_plain.then_some((token, after));
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let (word, after) = rest.split_at(rest.find(|c| !is_word(c)).unwrap_or(rest.len()));
    let first = word.chars().next()?;
    let token = match first.is_ascii_digit() {
        true => Token::Digits(word.to_owned()),
        false => Token::Word(word.to_owned()),
    };
    Some((token, after))
}
