using Hive.Common;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Features.Preferences.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Preferences;

/// <summary>The operator's preferences for the page.</summary>
internal sealed class PreferencesModule : FeatureModule
{
    public PreferencesModule()
    {
        Uses(nameof(Agents));
        Schema<PreferencesSchema>();
        Event<PreferencesView>("preferences_changed", "preferences");
        Section<PreferencesSection>();
        Post<ChangePreferences.Command>("/api/preferences");
    }

    protected override void Services(IServiceCollection services) =>
        services
            .AddSingletonAs<PreferredAttributes, IPageAttributes, ICommitObserver>()
            .AddSingletonAs<MutedAgents, IMutedAgents, ICommitObserver, IHostedService>();
}
