using System.Linq.Expressions;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Protocol;

namespace Hive.Features.Messages;

/// <summary>The filter by one principal, or by two and their messages to each other.</summary>
internal static class MessageParties
{
    private const int NameBytes = 64;

    /// <summary>Adds the rules for both names.</summary>
    public static void Check<T>(
        AbstractValidator<T> validator,
        Expression<Func<T, string?>> agent,
        Expression<Func<T, string?>> with
    )
    {
        var hasAgent = agent.Compile();
        validator.RuleFor(agent).MustBeText(NameBytes);
        validator.RuleFor(with).MustBeText(NameBytes);
        validator
            .RuleFor(with)
            .Null()
            .When(query => hasAgent(query) is null)
            .WithMessage("'with' needs 'agent': the two whose messages to each other are listed");
    }

    /// <summary>True for a message of that principal; with a second one, for a message from one of them to the
    /// other.</summary>
    public static bool Match(Message message, string? agent, string? with) =>
        (agent, with) switch
        {
            (null, _) => true,
            (_, null) => message.From == agent || message.To == agent,
            _ => (message.From == agent && message.To == with) || (message.From == with && message.To == agent),
        };
}
