using FluentValidation;
using Hive.Common.Doors;
using MediatR;

namespace Hive.Features.Approvals;

/// <summary>The operator's yes. It answers when that is stored; what follows shows as a transient, and its end on the
/// stream.</summary>
internal static class ApproveApproval
{
    internal sealed record Command(long Id) : IRequest<Accepted>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Id).MustBeApprovalId();
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
