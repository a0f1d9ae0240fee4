using System.Data.Common;
using Hive.Common.Notifications;
using Hive.Protocol;
using Hive.Protocol.Options;

namespace Hive.Features.Waiting;

/// <summary>The state of the hook, which <c>hive doctor</c> and the page show.</summary>
internal sealed class NotifyState(HiveOptions options)
{
    private volatile NotifyHookView view = new(
        options.Notify.Url is null ? NotifyHookState.Off : NotifyHookState.Ready
    );

    public NotifyHookView View
    {
        get => view;
        set => view = value;
    }
}

/// <summary>The state of the hook in the snapshot.</summary>
internal sealed class NotifySection(NotifyState state) : IDashboardSection
{
    public string Name => "notify_hook";

    public Type Type => typeof(NotifyHookView);

    public object Read(DbConnection db) => state.View;
}
