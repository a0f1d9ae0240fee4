using FluentValidation;
using Hive.Common.Doors;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Approvals;

/// <summary>The operator's no, with the reason if there is one; the manager is told both.</summary>
internal static class DenyApproval
{
    internal sealed record Command(long Id, string? Note = null) : IRequest<Done>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Id).MustBeApprovalId();
            RuleFor(c => c.Note).MustBeText(Limits.BodyBytes);
        }
    }

    internal sealed class Handler(Decisions decisions) : IRequestHandler<Command, Done>
    {
        public async Task<Done> Handle(Command command, CancellationToken cancellationToken)
        {
            await decisions.Deny(command.Id, command.Note);
            return Done.Instance;
        }
    }
}
