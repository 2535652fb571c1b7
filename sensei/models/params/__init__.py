"""What goes out: the types of arguments, for annotations of your own.

Dictionaries are `TypedDict` classes, sets of texts closed `Literal` types: a misspelt key or value is an error for
type checkers. What the server says is open instead and has its types in `sensei.models`. Text of a known set that is
not known before the program runs, and dictionaries of any shape, are passed on with `typing.cast`; every call checks
them before anything is sent.

Examples:
    >>> from sensei.models.params import SqliteConfig
    >>> config: SqliteConfig = {"path": "/data/shop.db", "read_only": True}
"""

from __future__ import annotations

# As in `sensei`: without importing `typing`.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from sensei.models.enums import (
        AuditLogTypeParam,
        AuditResultParam,
        ConnectionRoleParam,
        ConnectionStatusParam,
        ConnectionTypeParam,
        EnvironmentParam,
        ErrorResolutionTypeParam,
        LogLevelParam,
        MappingStatusParam,
        MigrationErrorStatusParam,
        MigrationErrorTypeParam,
        MigrationStatusParam,
        PhaseNameParam,
        RollbackScopeParam,
        RollbackStrategyParam,
        ScopeParam,
        SslModeParam,
        StrategyParam,
        TransformationTypeParam,
        ValidationResultCodeParam,
        ValidationStatusParam,
        ValidationTypeParam,
        WebhookDeliveryStatusParam,
        WebhookEventPattern,
        WebhookEventTypeParam,
    )
    from sensei.models.params.access import (
        WebhookCreateParam,
    )
    from sensei.models.params.connections import (
        BigqueryConfig,
        ConnectionConfig,
        ConnectionConfigUpdate,
        ConnectionOptionsParam,
        ConnectionOptionsUpdate,
        DatabricksConfig,
        MongodbConfig,
        MysqlConfig,
        OracleConfig,
        PostgresqlConfig,
        RedshiftConfig,
        S3Config,
        SecretReference,
        SnowflakeConfig,
        SqliteConfig,
        SqlserverConfig,
        SshTunnel,
    )
    from sensei.models.params.migrations import (
        MaintenanceWindowParam,
        MigrationOptionsParam,
        MigrationSourceByConnection,
        MigrationSourceInline,
        MigrationSourceParam,
        MigrationTargetByConnection,
        MigrationTargetInline,
        MigrationTargetParam,
        NotificationsParam,
        ScheduleBehaviorParam,
        ScheduleParam,
        StartPhase,
        TargetOptionsParam,
        TypeMappingParam,
    )
    from sensei.models.params.review import (
        ColumnRefParam,
        Decision,
        ErrorResolutionParam,
        MappingChangeParam,
    )
    from sensei.models.params.validations import (
        RuleSeverity,
        ValidationOptionsParam,
    )

__all__ = [
    # Sets of texts
    "EnvironmentParam",
    "ScopeParam",
    "MigrationStatusParam",
    "PhaseNameParam",
    "StrategyParam",
    "LogLevelParam",
    "ConnectionTypeParam",
    "ConnectionRoleParam",
    "ConnectionStatusParam",
    "SslModeParam",
    "MappingStatusParam",
    "TransformationTypeParam",
    "RollbackStrategyParam",
    "RollbackScopeParam",
    "MigrationErrorTypeParam",
    "MigrationErrorStatusParam",
    "ErrorResolutionTypeParam",
    "ValidationTypeParam",
    "ValidationStatusParam",
    "ValidationResultCodeParam",
    "WebhookEventTypeParam",
    "WebhookEventPattern",
    "WebhookDeliveryStatusParam",
    "AuditLogTypeParam",
    "AuditResultParam",
    # Webhooks
    "WebhookCreateParam",
    # Connections
    "BigqueryConfig",
    "ConnectionConfig",
    "ConnectionConfigUpdate",
    "ConnectionOptionsParam",
    "ConnectionOptionsUpdate",
    "DatabricksConfig",
    "MongodbConfig",
    "MysqlConfig",
    "OracleConfig",
    "PostgresqlConfig",
    "RedshiftConfig",
    "S3Config",
    "SecretReference",
    "SnowflakeConfig",
    "SqliteConfig",
    "SqlserverConfig",
    "SshTunnel",
    # Migrations and schedules
    "MaintenanceWindowParam",
    "MigrationOptionsParam",
    "MigrationSourceByConnection",
    "MigrationSourceInline",
    "MigrationSourceParam",
    "MigrationTargetByConnection",
    "MigrationTargetInline",
    "MigrationTargetParam",
    "NotificationsParam",
    "ScheduleBehaviorParam",
    "ScheduleParam",
    "StartPhase",
    "TargetOptionsParam",
    "TypeMappingParam",
    # Mappings and data errors
    "ColumnRefParam",
    "Decision",
    "ErrorResolutionParam",
    "MappingChangeParam",
    # Validations
    "RuleSeverity",
    "ValidationOptionsParam",
]

_HOMES = {
    "sensei.models.enums": (
        "EnvironmentParam",
        "ScopeParam",
        "MigrationStatusParam",
        "PhaseNameParam",
        "StrategyParam",
        "LogLevelParam",
        "ConnectionTypeParam",
        "ConnectionRoleParam",
        "ConnectionStatusParam",
        "SslModeParam",
        "MappingStatusParam",
        "TransformationTypeParam",
        "RollbackStrategyParam",
        "RollbackScopeParam",
        "MigrationErrorTypeParam",
        "MigrationErrorStatusParam",
        "ErrorResolutionTypeParam",
        "ValidationTypeParam",
        "ValidationStatusParam",
        "ValidationResultCodeParam",
        "WebhookEventTypeParam",
        "WebhookEventPattern",
        "WebhookDeliveryStatusParam",
        "AuditLogTypeParam",
        "AuditResultParam",
    ),
    "sensei.models.params.access": ("WebhookCreateParam",),
    "sensei.models.params.connections": (
        "BigqueryConfig",
        "ConnectionConfig",
        "ConnectionConfigUpdate",
        "ConnectionOptionsParam",
        "ConnectionOptionsUpdate",
        "DatabricksConfig",
        "MongodbConfig",
        "MysqlConfig",
        "OracleConfig",
        "PostgresqlConfig",
        "RedshiftConfig",
        "S3Config",
        "SecretReference",
        "SnowflakeConfig",
        "SqliteConfig",
        "SqlserverConfig",
        "SshTunnel",
    ),
    "sensei.models.params.migrations": (
        "MaintenanceWindowParam",
        "MigrationOptionsParam",
        "MigrationSourceByConnection",
        "MigrationSourceInline",
        "MigrationSourceParam",
        "MigrationTargetByConnection",
        "MigrationTargetInline",
        "MigrationTargetParam",
        "NotificationsParam",
        "ScheduleBehaviorParam",
        "ScheduleParam",
        "StartPhase",
        "TargetOptionsParam",
        "TypeMappingParam",
    ),
    "sensei.models.params.review": (
        "ColumnRefParam",
        "Decision",
        "ErrorResolutionParam",
        "MappingChangeParam",
    ),
    "sensei.models.params.validations": (
        "RuleSeverity",
        "ValidationOptionsParam",
    ),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

if not TYPE_CHECKING:  # else a misspelt name would pass the type checkers

    def __getattr__(name: str) -> object:
        from importlib import import_module

        home = _HOME.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(home), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted(__all__)
