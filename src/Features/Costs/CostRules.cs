using System.Globalization;
using System.Text.RegularExpressions;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Features.Agents.Contracts;

namespace Hive.Features.Costs;

/// <summary>The rules for the fields of budgets and costs.</summary>
internal static partial class CostRules
{
    /// <summary>The most budgets: each is looked at for each run and each turn that it covers.</summary>
    public const int MostBudgets = 500;

    /// <summary>The highest limit in US dollars.</summary>
    public const double MostUsd = 1_000_000_000;

    /// <summary>The highest limit in tokens.</summary>
    public const long MostTokens = 1_000_000_000_000_000;

    /// <summary>The smallest amount that is stored.</summary>
    public const double LeastUsd = 0.000001;

    private const int IdBytes = 300;

    /// <summary>Requires a scope of a list, and an id that fits it.</summary>
    /// <param name="validator">The validator to extend.</param>
    /// <param name="scopes">The scopes.</param>
    /// <param name="scope">Reads the scope.</param>
    /// <param name="id">Reads the id.</param>
    /// <param name="names">The members' names on the wire.</param>
    public static void MustBeScope<T>(
        this AbstractValidator<T> validator,
        IReadOnlyList<string> scopes,
        Func<T, string?> scope,
        Func<T, string?> id,
        (string Scope, string Id) names
    )
    {
        validator
            .RuleFor(c => c)
            .Custom(
                (command, context) =>
                {
                    var (of, name) = (scope(command), id(command));
                    var fault =
                        of is null || !scopes.Contains(of)
                            ? $"'{names.Scope}' must be one of {string.Join(", ", scopes)}"
                        : of == BudgetScope.Global
                            ? string.IsNullOrEmpty(name) ? null
                                : $"'{names.Id}' must be left out for global"
                        : string.IsNullOrWhiteSpace(name) ? $"'{names.Id}' is missing; name the {of}"
                        : TextRules.Fault(name) is { } text ? $"'{names.Id}' contains {text}; send valid UTF-8 text"
                        : System.Text.Encoding.UTF8.GetByteCount(name) > IdBytes
                            ? $"'{names.Id}' is longer than {IdBytes} bytes; shorten it"
                        : of is BudgetScope.Ticket or CostScope.Task && !IsId(name)
                            ? $"'{names.Id}' must be the id of a {of}"
                        : of == BudgetScope.Phase && !Phase().IsMatch(name)
                            ? $"'{names.Id}' must be workflow/PHASE_NAME"
                        : null;
                    if (fault is not null)
                        context.AddFailure(fault);
                }
            );
    }

    /// <summary>A scope id as it is stored, without leading zeros and the like.</summary>
    public static string Normal(string scope, string? id) =>
        scope == BudgetScope.Global || id is null ? ""
        : scope is BudgetScope.Ticket or CostScope.Task
            ? long.Parse(id, NumberStyles.None, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture)
        : id;

    /// <summary>The agent of an agent's scope must exist.</summary>
    public static void MustExist(this IRoster roster, string scope, string? id)
    {
        if (scope == BudgetScope.Agent)
            roster.Require(id!);
    }

    private static bool IsId(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id) && id > 0;

    [GeneratedRegex("^.+/PHASE_[A-Z0-9_]+$", RegexOptions.CultureInvariant)]
    private static partial Regex Phase();
}
