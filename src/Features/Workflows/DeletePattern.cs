using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using MediatR;

namespace Hive.Features.Workflows;

/// <summary>Removes a pattern; tasks that were made from it stay.</summary>
internal static class DeletePattern
{
    internal sealed record Command(string Name) : IRequest<Done>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() =>
            RuleFor(c => c.Name)
                .Length(1, WorkflowReader.MaxName)
                .WithMessage($"'name' must have 1 to {WorkflowReader.MaxName} characters");
    }

    internal sealed class Handler(IStore store, WorkflowSet workflows) : IRequestHandler<Command, Done>
    {
        public Task<Done> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    workflows.RemovePattern(write, workflows.RequirePatternView(command.Name).Name);
                    return Done.Instance;
                },
                CancellationToken.None
            );
    }
}
