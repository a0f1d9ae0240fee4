using System.ComponentModel;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Meta.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Approvals;

/// <summary>Lets the manager ask the operator to re-pin inputs to the current revisions of their refs.</summary>
internal static class RequestUpdateInputs
{
    private const int MaxInputs = 100;
    private const int MaxNameBytes = 200;

    internal sealed record Command(
        [property: Description("The names of the inputs, as in the lock in /meta; at least one.")]
            IReadOnlyList<string> Inputs,
        Caller Caller,
        [property: Description("The reason, for the operator who decides; at most 4096 bytes.")]
            string? Description = null
    ) : IRequest<Result>;

    internal sealed record Result(long Id);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Inputs)
                .Must(inputs => inputs.Count is > 0 and <= MaxInputs)
                .WithMessage($"'inputs' must name 1 to {MaxInputs} inputs")
                .Must(inputs => inputs.Distinct().Count() == inputs.Count)
                .WithMessage("'inputs' names the same input twice; name each once");
            RuleForEach(c => c.Inputs)
                .Cascade(CascadeMode.Stop)
                .NotEmpty()
                .WithMessage("one of the 'inputs' is empty; leave it out")
                .MustBeText(MaxNameBytes);
            RuleFor(c => c.Description).MustBeDescription();
        }
    }

    internal sealed class Handler(IStore store, ApprovalQueue queue, IMetaInputs inputs)
        : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            inputs.MustExist(command.Inputs);
            // The update concerns any number of agents; the manager is stored in their place.
            var request = new ApprovalRequest(
                ApprovalKind.UpdateInputs,
                Principals.Manager,
                command.Caller.Name,
                command.Description,
                Inputs: command.Inputs
            );
            return store.Write(write => new Result(queue.Add(write, request).Id), CancellationToken.None);
        }
    }
}
