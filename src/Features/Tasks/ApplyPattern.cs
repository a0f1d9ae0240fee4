using System.ComponentModel;
using System.Text.Json;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tasks;

/// <summary>Makes the tasks of a pattern for a ticket, all or none.</summary>
internal static class ApplyPattern
{
    internal sealed record Command(
        Caller Caller,
        [property: Description("The ticket.")] long Ticket,
        [property: Description("The pattern.")] string Name,
        [property: Description("A value for each parameter: a text, a number, an agent's name or a list of texts.")]
            IReadOnlyDictionary<string, JsonElement>? Values = null,
        [property: Description("Any text of your own: a repeated call with the same key makes nothing again.")]
            string? Key = null
    ) : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<TaskView> Tasks);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Ticket).MustBeIdOf("ticket", "ticket");
            RuleFor(c => c.Name).NotEmpty().WithMessage("'name' is empty; name a pattern");
            RuleFor(c => c.Key).MustBeKey();
        }
    }

    internal sealed class Handler(GivenTasks tasks) : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command c, CancellationToken cancellationToken) =>
            new(
                (
                    await tasks.Add(c.Caller, "apply_pattern", c.Ticket, [], new PatternUse(c.Name, c.Values), c.Key)
                ).Tasks
            );
    }
}
