using FluentValidation;
using Hive.Common.Doors;
using MediatR;

namespace Hive.Features.Approvals;

/// <summary>
/// Approves a pending approval. Answers when the decision is stored; the work shows as a transient, and its result on
/// the stream.
/// </summary>
internal static class ApproveApproval
{
    internal sealed record Command(long Id) : IRequest<Accepted>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Id).MustBeIdOf("approval");
    }

    internal sealed class Handler(Decisions decisions) : IRequestHandler<Command, Accepted>
    {
        public async Task<Accepted> Handle(Command command, CancellationToken cancellationToken)
        {
            await decisions.Approve(command.Id);
            return Accepted.Instance;
        }
    }
}
