//! Formulas, and conditions of a design: `host.phosphate_mmol_per_l * host.calcium_ionised_mmol_per_l < 4`.
//!
//! A condition compares two sums of products of factors and numbers; brackets are allowed.

/// A parsed condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    left: Term,
    sign: Sign,
    right: Term,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Sign {
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
}

#[derive(Clone, Debug, PartialEq)]
enum Term {
    Number(f64),
    /// A name, by its index in the list that it was parsed with.
    Name(usize),
    Of(Box<Self>, char, Box<Self>),
}

/// A parsed sum of products.
#[derive(Clone, Debug, PartialEq)]
pub struct Formula(Term);

impl Formula {
    /// Parses a formula over names.
    ///
    /// # Errors
    /// What was expected, in words.
    pub fn parse(text: &str, names: &[&str]) -> Result<Self, String> {
        let mut parser = Parser {
            words: words(text),
            at: 0,
            names,
        };
        let term = parser.sum()?;
        match parser.next() {
            None => Ok(Self(term)),
            Some(word) => Err(format!("an end, not {word}")),
        }
    }

    /// Its value for values of the names.
    pub fn value(&self, values: &[f64]) -> f64 {
        self.0.value(values)
    }
}

impl Condition {
    /// Parses a condition over names.
    ///
    /// # Errors
    /// What was expected, in words.
    pub fn parse(text: &str, names: &[&str]) -> Result<Self, String> {
        let mut parser = Parser {
            words: words(text),
            at: 0,
            names,
        };
        let left = parser.sum()?;
        let sign = match parser.next().as_deref() {
            Some("<") => Sign::Less,
            Some("<=") => Sign::LessOrEqual,
            Some(">") => Sign::More,
            Some(">=") => Sign::MoreOrEqual,
            other => {
                return Err(format!(
                    "<, <=, > or >= after the left side, not {}",
                    other.unwrap_or("the end")
                ));
            }
        };
        let right = parser.sum()?;
        match parser.next() {
            None => Ok(Self { left, sign, right }),
            Some(word) => Err(format!("an end, not {word}")),
        }
    }

    /// Whether it holds for values of the names.
    pub fn holds(&self, values: &[f64]) -> bool {
        let (left, right) = (self.left.value(values), self.right.value(values));
        match self.sign {
            Sign::Less => left < right,
            Sign::LessOrEqual => left <= right,
            Sign::More => left > right,
            Sign::MoreOrEqual => left >= right,
        }
    }
}

impl Term {
    fn value(&self, values: &[f64]) -> f64 {
        match self {
            Self::Number(x) => *x,
            Self::Name(i) => values.get(*i).copied().unwrap_or(f64::NAN),
            Self::Of(a, sign, b) => {
                let (a, b) = (a.value(values), b.value(values));
                match sign {
                    '+' => a + b,
                    '-' => a - b,
                    '*' => a * b,
                    _ => a / b,
                }
            }
        }
    }
}

fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        if c.is_whitespace() {
            continue;
        }
        let mut word = String::from(c);
        if matches!(c, '<' | '>') {
            if letters.peek() == Some(&'=') {
                word.extend(letters.next());
            }
        } else if c.is_alphanumeric() || matches!(c, '.' | '_') {
            while let Some(&next) = letters.peek() {
                let is_exponent = matches!(next, '+' | '-')
                    && word.starts_with(|first: char| first.is_ascii_digit())
                    && word.ends_with(['e', 'E']);
                if !(next.is_alphanumeric() || matches!(next, '.' | '_') || is_exponent) {
                    break;
                }
                word.extend(letters.next());
            }
        }
        words.push(word);
    }
    words
}

struct Parser<'a> {
    words: Vec<String>,
    at: usize,
    names: &'a [&'a str],
}

impl Parser<'_> {
    fn peek(&self) -> Option<&str> {
        self.words.get(self.at).map(String::as_str)
    }

    fn next(&mut self) -> Option<String> {
        self.at += 1;
        self.words.get(self.at - 1).cloned()
    }

    fn sum(&mut self) -> Result<Term, String> {
        self.chain(&['+', '-'], Self::product)
    }

    fn product(&mut self) -> Result<Term, String> {
        self.chain(&['*', '/'], Self::atom)
    }

    fn chain(&mut self, signs: &[char], part: fn(&mut Self) -> Result<Term, String>) -> Result<Term, String> {
        let mut term = part(self)?;
        while let Some(sign) = self.peek().and_then(|w| w.chars().next()).filter(|c| signs.contains(c)) {
            self.at += 1;
            term = Term::Of(Box::new(term), sign, Box::new(part(self)?));
        }
        Ok(term)
    }

    fn atom(&mut self) -> Result<Term, String> {
        let word = self.next().ok_or("a factor or a number, not the end")?;
        if word == "(" {
            let inner = self.sum()?;
            return match self.next().as_deref() {
                Some(")") => Ok(inner),
                other => Err(format!("a closing bracket, not {}", other.unwrap_or("the end"))),
            };
        }
        if word == "-" {
            return Ok(Term::Of(Box::new(Term::Number(0.0)), '-', Box::new(self.atom()?)));
        }
        if let Ok(x) = word.parse::<f64>() {
            return Ok(Term::Number(x));
        }
        match self.names.iter().position(|name| *name == word) {
            Some(i) => Ok(Term::Name(i)),
            None => Err(format!("a name that is known here or a number, not {word}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_bind_before_sums_and_brackets_before_both() {
        let names = ["host.a", "b"];
        let holds = |text: &str, values: &[f64]| Condition::parse(text, &names).map(|c| c.holds(values));
        assert_eq!(holds("host.a * b + 1 < 12.0", &[2.0, 5.0]), Ok(true));
        assert_eq!(holds("host.a * (b + 1) < 12", &[2.0, 5.0]), Ok(false));
        assert_eq!(holds("host.a - b - 1 >= -4", &[2.0, 5.0]), Ok(true));
        assert_eq!(holds("1e-3 * b <= 5e-3", &[0.0, 5.0]), Ok(true));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, word) in [
            ("c < 1", "c"),
            ("a + 1", "the end"),
            ("a < (1", "bracket"),
            ("a < 1 1", "an end"),
        ] {
            let said = Condition::parse(text, &["a"]).err().unwrap_or_default();
            assert!(said.contains(word), "{text}: {said}");
        }
    }
}
