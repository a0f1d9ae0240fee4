using Hive.Common;
using Hive.Common.Doors;
using Hive.Features.Audit.Contracts;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Features.Audit;

/// <summary>The audit: logins, ended sessions, rotations of the access token, and refusals.</summary>
internal sealed class AuditModule : FeatureModule
{
    public AuditModule()
    {
        Schema<AuditSchema>();
        Host<ListAudit.Query>("audit");
        Get<ListAudit.Query>("/api/audit");
    }

    protected override void Services(IServiceCollection services) =>
        services.AddSingletonAs<AuditTable, IAudit>().AddHostedService<AuditKeeper>();
}
