using FluentValidation;

namespace Hive.Features.Messages.Contracts;

/// <summary>The rule for the pause that a nack asks for.</summary>
internal static class DelayRules
{
    private const long MaxSeconds = 86_400;

    /// <summary>0 to a day. Null passes.</summary>
    public static IRuleBuilderOptions<T, long?> MustBeDelay<T>(this IRuleBuilder<T, long?> rule) =>
        rule.InclusiveBetween(0, MaxSeconds).WithMessage($"'delay_seconds' must be 0 to {MaxSeconds} (a day)");
}
