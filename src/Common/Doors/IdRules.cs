using FluentValidation;

namespace Hive.Common.Doors;

/// <summary>The rule for the ids in requests.</summary>
public static class IdRules
{
    /// <summary>Requires a positive id.</summary>
    /// <param name="rule">The rule to extend.</param>
    /// <param name="thing">What the id names, as <c>reminder</c>.</param>
    /// <param name="field">The field's name.</param>
    public static void MustBeIdOf<T>(this IRuleBuilder<T, long> rule, string thing, string field = "id") =>
        rule.GreaterThan(0).WithMessage($"'{field}' must be a positive {thing} id");
}
