using Hive.Common;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Features.Turns.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Turns;

/// <summary>Turns and harnesses: agents report what they did, and only the operator controls a harness.</summary>
internal sealed class TurnsModule : FeatureModule
{
    public TurnsModule()
    {
        Uses(nameof(Agents), nameof(Messages), nameof(Containers), nameof(StateFiles));
        Schema<TurnsSchema>();
        Event<TurnView>("turn_ended", "turn");
        Event<AgentEvent>("agent_event", "event");
        Event<TextPart>("text_part", "part");
        Event<HarnessView>("harness_changed", "harness");
        Section<StatsSection>();
        RowFields<HarnessRowFields>();
        Activity<HarnessActivity>();
        Waiting<WaitingLogins>();
        Waiting<WaitingIdleAgents>();
        Waiting<WaitingRateLimits>();
        Waiting<WaitingStuck>();
        Check<DriversCheck>();
        Agent<BeginTurn.Command>("begin_turn");
        Agent<EndTurn.Command>("end_turn");
        Agent<RequeueInflight.Command>("requeue_inflight");
        Agent<Emit.Command>("emit");
        Agent<ReportHarness.Command>("report_harness");
        Agent<NextControls.Command>("controls");
        Get<GetHarness.Query>("/api/agents/{name}/harness");
        Get<ListEvents.Query>("/api/agents/{name}/events");
        Get<ListTurns.Query>("/api/agents/{name}/turns");
        Get<ListTurnFiles.Query>("/api/agents/{name}/turns/{turn}/files");
        Get<GetStats.Query>("/api/stats");
        Get<GetPrices.Query>("/api/prices");
        Post<SetPrices.Command>("/api/prices", alias: "/prices");
        Post<CancelTurn.Command>("/api/agents/{name}/cancel-turn");
        Post<CompactContext.Command>("/api/agents/{name}/compact");
        Post<NewSession.Command>("/api/agents/{name}/new-session");
        Post<SetModel.Command>("/api/agents/{name}/model");
        Post<StartLogin.Command>("/api/agents/{name}/login");
        Post<SendLoginCode.Command>("/api/agents/{name}/login-code");
        Host<GetHarness.Query>("harness");
        Host<ListTurns.Query>("turns");
        Host<GetStats.Query>("stats");
        Host<CancelTurn.Command>("cancel_turn");
        Host<CompactContext.Command>("compact");
        Host<NewSession.Command>("new_session");
        Host<SetModel.Command>("set_model");
        Host<StartLogin.Command>("login");
        Host<SendLoginCode.Command>("login_code");
    }

    protected override void Services(IServiceCollection services) =>
        services
            .AddSingletonAs<Prices, IPrices, IHostedService>()
            .AddSingleton<AgentEvents>()
            .AddSingleton(provider => new Lazy<IEnumerable<ITurnEnded>>(provider.GetServices<ITurnEnded>))
            .AddSingleton<TurnLedger>()
            .AddSingleton<IRunEvents, RunEvents>()
            .AddSingleton<ILeaseHolders, LostTurns>()
            .AddSingleton<EventFlood>()
            .AddSingleton<RunningTools>()
            .AddSingletonAs<OpenTurns, IHostedService>()
            .AddSingleton<ICommitObserver, AgentEventForwarder>()
            .AddSingletonAs<ModelOverrides, IHostedService>()
            .AddSingletonAs<Harnesses, IHarnessStates, IConnectionObserver>()
            .AddSingletonAs<Controls, IHarnessControl, IConnectionObserver>()
            .AddSingletonAs<AgentDataCleanup, IAgentDataCleanup>()
            .AddHostedService<VacuumTurns>();
}
